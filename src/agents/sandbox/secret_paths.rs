//! Files and folders outside of the user's home that agents must not read: other users' homes, the system's
//! secrets, and what variables have put elsewhere.
//!
//! A list of names, since a secret does not look different from a setting. What is not on it can be read;
//! users add to it (`[sandbox] hide`) or take away (`read`).

use crate::gate::store::config;
use crate::system::fs::home::Base;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

/// Of the whole system.
const IN_SYSTEM: &[&str] = &[
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/var/spool/mail",
    "/var/mail",
    "/var/spool/cron",
];

/// Where other users' homes are. What is opened by name in there is seen.
const HOMES: &[&str] = &["/home", "/root"];

/// Variables that name another place for some of that, and what in there is meant.
const MOVED: &[(&str, &[&str])] = &[
    ("GNUPGHOME", &[""]),
    ("PASSWORD_STORE_DIR", &[""]),
    ("NETRC", &[""]),
    ("AWS_SHARED_CREDENTIALS_FILE", &[""]),
    ("AWS_CONFIG_FILE", &[""]),
    ("AZURE_CONFIG_DIR", &[""]),
    ("CLOUDSDK_CONFIG", &[""]),
    ("GOOGLE_APPLICATION_CREDENTIALS", &[""]),
    ("GH_CONFIG_DIR", &[""]),
    ("GLAB_CONFIG_DIR", &[""]),
    ("RCLONE_CONFIG", &[""]),
    ("KUBECONFIG", &[""]),
    ("DOCKER_CONFIG", &[""]),
    ("TF_CLI_CONFIG_FILE", &[""]),
    ("SOPS_AGE_KEY_FILE", &[""]),
    ("NPM_CONFIG_USERCONFIG", &[""]),
    ("npm_config_userconfig", &[""]),
    ("CARGO_HOME", &["credentials", "credentials.toml"]),
    ("GRADLE_USER_HOME", &["gradle.properties"]),
    ("PGPASSFILE", &[""]),
    ("XAUTHORITY", &[""]),
    ("HISTFILE", &[""]),
];

/// Variables that name the sockets of what holds keys, containers, the desktop.
const SOCKETS: &[&str] =
    &["SSH_AUTH_SOCK", "DOCKER_HOST", "CONTAINER_HOST", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"];

/// The paths in the value of such a variable: `a:b`, `unix:///a`, `unix:path=/a,guid=1`.
fn in_value(value: &str) -> Vec<PathBuf> {
    let value = ["unix://", "unix:path="].iter().find_map(|start| value.strip_prefix(start)).unwrap_or(value);
    if value.contains("://") {
        return Vec::new();
    }
    let value = value.split(',').next().unwrap_or_default();
    value.split(':').map(PathBuf::from).filter(|path| path.is_absolute()).collect()
}

/// Those of this user, and of the whole system.
pub fn all() -> Vec<PathBuf> {
    let variable = |name: &str| env::var_os(name);
    let in_system = IN_SYSTEM.iter().map(PathBuf::from);
    // Where the user has put our own config, by XDG_CONFIG_HOME.
    let own = config::personal_path().and_then(|file| Some(file.parent()?.to_owned()));
    let mut all: Vec<PathBuf> = for_environment(&variable).into_iter().chain(own).chain(in_system).collect();
    all.sort();
    all.dedup();
    all
}

/// Folders of homes, hidden as wholes: other users', and the base directories that variables put elsewhere.
pub fn home_folders(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let bases = Base::ALL.iter().filter_map(|base| variable(base.variable()).map(PathBuf::from));
    let bases = bases.filter_map(|path| path.is_absolute().then(|| path.canonicalize().ok()).flatten());
    // Each mount costs every process that starts: what is empty needs none.
    let is_empty = |path: &PathBuf| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    let others = HOMES.iter().map(PathBuf::from).filter(|path| !is_empty(path));
    others.chain(bases.filter(|path| path.parent().is_some())).collect()
}

/// Those of a user who has these variables.
pub fn for_environment(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let home = variable("HOME").map(PathBuf::from);
    let moved = MOVED.iter().flat_map(|(name, inside)| {
        let value = variable(name).unwrap_or_default();
        // Some name many.
        let places: Vec<PathBuf> = env::split_paths(&value).collect();
        places
            .into_iter()
            .flat_map(|place| inside.iter().map(move |path| place.join(path).components().collect()))
    });
    // A device is not a secret, and the whole file system is not either.
    let moved = moved.filter(|path: &PathBuf| {
        path.is_absolute()
            && path.metadata().is_ok_and(|found| found.is_file() || found.is_dir())
            && !home.as_ref().is_some_and(|home| home.starts_with(path))
    });
    let values = SOCKETS.iter().filter_map(|name| variable(name)?.into_string().ok());
    let sockets = values.flat_map(|value| in_value(&value)).filter(|path| {
        let is_one = |found: fs::Metadata| found.file_type().is_socket() || found.is_dir();
        path.metadata().is_ok_and(is_one) && !home.as_ref().is_some_and(|home| home.starts_with(path))
    });
    moved.chain(sockets).collect()
}

#[cfg(test)]
mod tests {
    use super::in_value;
    use std::path::Path;

    #[test]
    fn a_variable_may_name_sockets_in_the_words_of_its_program() {
        for (value, paths) in [
            ("/run/agent.sock", &["/run/agent.sock"][..]),
            ("unix:///var/d.sock", &["/var/d.sock"]),
            ("unix:path=/tmp/bus,guid=12", &["/tmp/bus"]),
            ("/a/config:/b/config", &["/a/config", "/b/config"]),
            ("tcp://127.0.0.1:2375", &[]),
            ("ssh://host/x", &[]),
        ] {
            assert_eq!(in_value(value), paths.iter().map(Path::new).collect::<Vec<_>>(), "{value}");
        }
    }
}
