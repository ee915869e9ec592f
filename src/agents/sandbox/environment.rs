//! The variables that a command gets of ours: an allow list, since any of the rest may be a secret.
//!
//! Language, terminal, time, toolchains, certificates, proxies. Never: agents of keys, sessions of the
//! desktop, tokens, also those that share a toolchain's prefix (`UV_PUBLISH_TOKEN`). What is meant for one
//! agent is in its preset.

use crate::domain::secret;
use crate::system::{program, secrets};
use std::env;
use std::ffi::{OsStr, OsString};
use std::process::Command;

/// Names, `PREFIX_*` or `*_SUFFIX`.
const USUAL: &[&str] = &[
    // The person and the system.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "COLUMNS",
    "LINES",
    "HOSTNAME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_DIRS",
    "LD_LIBRARY_PATH",
    "LOCALE_ARCHIVE",
    "NIX_*",
    "IN_NIX_SHELL",
    // How the world is reached.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
    "AWS_CA_BUNDLE",
    // Toolchains.
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_*",
    "CARGO_INCREMENTAL",
    "CARGO_TERM_*",
    "CARGO_NET_*",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "RUSTC_WRAPPER",
    "SCCACHE_DIR",
    "GOPATH",
    "GOROOT",
    "GOBIN",
    "GOPROXY",
    "GOPRIVATE",
    "GONOSUMDB",
    "GOSUMDB",
    "GOFLAGS",
    "GOTOOLCHAIN",
    "GOCACHE",
    "GOMODCACHE",
    "CGO_ENABLED",
    "JAVA_HOME",
    "JDK_HOME",
    "MAVEN_OPTS",
    "M2_HOME",
    "GRADLE_OPTS",
    "GRADLE_USER_HOME",
    "ANDROID_HOME",
    "ANDROID_SDK_ROOT",
    "NVM_DIR",
    "NVM_BIN",
    "NODE_PATH",
    "NODE_OPTIONS",
    "NODE_ENV",
    "PNPM_HOME",
    "VOLTA_HOME",
    "FNM_*",
    "BUN_INSTALL",
    "DENO_DIR",
    "npm_config_registry",
    "COREPACK_*",
    "YARN_*",
    "PYENV_*",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "PIP_INDEX_URL",
    "UV_*",
    "POETRY_HOME",
    "PIPX_HOME",
    "RBENV_ROOT",
    "GEM_HOME",
    "GEM_PATH",
    "BUNDLE_PATH",
    "ASDF_*",
    "MISE_*",
    "SDKMAN_DIR",
    "DOTNET_ROOT",
    "NUGET_PACKAGES",
    "CC",
    "CXX",
    "AR",
    "LD",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "MAKEFLAGS",
    "PKG_CONFIG_*",
    "CMAKE_*",
    "SDKROOT",
    "DEVELOPER_DIR",
    "MACOSX_DEPLOYMENT_TARGET",
    "HOMEBREW_PREFIX",
    "HOMEBREW_CELLAR",
    // What kind of place it is.
    "CI",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_GLOBAL",
    "GIT_TERMINAL_PROMPT",
];

/// The variables of ours that are on the usual list or on one of these.
pub fn allowed<'a>(
    policy: &'a [String],
    scope: &'a [String],
) -> impl Iterator<Item = (OsString, OsString)> + 'a {
    let is_named = move |name: &str| policy.iter().chain(scope).any(|pattern| matches(pattern, name));
    let is_usual = |name: &str, value: &OsStr| {
        let is_on = USUAL.iter().any(|pattern| matches(pattern, name));
        is_on && (USUAL.contains(&name) || !may_be_secret(name, value))
    };
    let all = env::vars_os().filter(move |(name, value)| {
        name.to_str().is_some_and(|name| is_named(name) || is_usual(name, value))
    });
    all.map(|(name, value)| if name == "PATH" { (name, program::path()) } else { (name, value) })
}

/// Whether a variable that is allowed by a pattern only may hold a secret.
fn may_be_secret(name: &str, value: &OsStr) -> bool {
    secret::is_secret_name(name) || value.to_str().is_none_or(secrets::holds_secret)
}

/// Whether a variable makes the system load libraries into whatever is started with it (`ld.so(8)`). They
/// are for the command alone: what starts it is outside of the sandbox, and they may name files inside.
pub fn is_loader_variable(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"LD_")
}

/// Gives a command what another was given explicitly, and takes what was taken from that.
pub fn copy_explicit(from: &Command, to: &mut Command) {
    for (name, value) in from.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
}

/// A variable as the command will see it.
pub fn explicit_value<'a>(command: &'a Command, name: &str) -> Option<&'a OsStr> {
    command.get_envs().find(|(found, _)| *found == name).and_then(|(_, value)| value)
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(beginning)) => name.starts_with(beginning),
        (None, None) => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_one_end_of_a_name() {
        assert!(matches("LC_*", "LC_ALL") && matches("*_API_KEY", "X_API_KEY") && matches("CI", "CI"));
        assert!(
            !matches("LC_*", "MYLC_ALL") && !matches("*_API_KEY", "X_API_KEY_2") && !matches("CI", "CIX")
        );
    }
}
