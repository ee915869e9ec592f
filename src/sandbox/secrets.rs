//! What nobody who steers an agent has any business to read: keys, tokens, histories, other programs'
//! sessions.
//!
//! A list of names, since nothing tells a secret from a setting. What is not on it can be read, so a
//! person adds to it (`[sandbox] hide`), or takes away (`read`).

use super::expand;
use crate::store::config;
use crate::trust;
use std::path::PathBuf;

/// Below the home.
const IN_HOME: &[&str] = &[
    // Keys and passwords.
    ".ssh",
    ".gnupg",
    ".password-store",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".config/git/credentials",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".local/share/pass",
    ".config/op",
    ".config/1Password",
    ".config/Bitwarden CLI",
    ".config/sops",
    ".config/age",
    ".vault-token",
    "Library/Keychains",
    // Clouds and forges.
    ".aws",
    ".azure",
    ".boto",
    ".config/gcloud",
    ".config/doctl",
    ".config/hcloud",
    ".config/gh",
    ".config/hub",
    ".config/glab-cli",
    ".config/rclone",
    ".kube",
    ".docker",
    ".config/containers",
    ".terraform.d",
    ".terraformrc",
    ".oci",
    ".fly",
    ".config/netlify",
    ".config/heroku",
    ".s3cfg",
    // Package registries.
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pypirc",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".composer/auth.json",
    ".config/composer/auth.json",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".gradle/gradle.properties",
    ".nuget/NuGet/NuGet.Config",
    ".config/pip/pip.conf",
    // What was typed and looked at.
    ".bash_history",
    ".zsh_history",
    ".local/share/fish/fish_history",
    ".python_history",
    ".node_repl_history",
    ".psql_history",
    ".mysql_history",
    ".sqlite_history",
    ".lesshst",
    ".viminfo",
    ".pgpass",
    ".my.cnf",
    ".mozilla",
    ".thunderbird",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    "Library/Application Support/Google/Chrome",
    "Library/Application Support/Firefox",
    "Library/Cookies",
    "Library/Safari",
    "Library/Messages",
    "Library/Mail",
    // Our own: whom the person trusts, where keys are.
    ".config/git-flow-ai",
    ".local/state/git-flow-ai",
];

/// Of the whole system.
const IN_SYSTEM: &[&str] =
    &["/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh", "/root"];

/// Where they are for this person.
pub fn paths() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let in_home = IN_HOME.iter().filter_map(|path| expand(&format!("~/{path}")));
    let in_system = IN_SYSTEM.iter().map(PathBuf::from);
    // Where the person has put our own, by XDG_STATE_HOME and XDG_CONFIG_HOME.
    let own = [trust::place(), config::personal_path()].into_iter().flatten();
    let own = own.filter_map(|file| Some(file.parent()?.to_owned()));
    // Root's own home is no secret to root.
    let in_system = in_system.filter(|path| home.as_ref() != Some(path));
    let mut all: Vec<PathBuf> = in_home.chain(own).chain(in_system).collect();
    all.sort();
    all.dedup();
    all
}
