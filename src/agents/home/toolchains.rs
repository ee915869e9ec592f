//! Where toolchains and their caches are in a home, by name.
//!
//! They are opened to be read. Folders that hold credentials beside a toolchain are opened piece by piece;
//! files that are both needed and secret (`.npmrc`, `.m2/settings.xml`, `.bundle/config`) are not here: users
//! open them by name in `[sandbox] read`.

use super::Variable;
use crate::system::fs::home::places;
use crate::system::secrets;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// A toolchain: its folder below the home, the variables that name another place for it, and what of it is
/// opened; empty: all of it.
struct Toolchain(&'static str, &'static [&'static str], &'static [&'static str]);

const TOOLCHAINS: &[Toolchain] = &[
    // Rust. Its configuration can hold tokens, then it stays closed.
    Toolchain(".cargo", &["CARGO_HOME"], &["bin", "registry", "git", "config.toml", "config"]),
    Toolchain(".rustup", &["RUSTUP_HOME"], &[]),
    // Node and its relatives.
    Toolchain(".nvm", &["NVM_DIR"], &[]),
    Toolchain(".fnm", &["FNM_DIR"], &[]),
    Toolchain(".local/share/fnm", &[], &[]),
    Toolchain(".volta", &["VOLTA_HOME"], &[]),
    Toolchain(".nodenv", &["NODENV_ROOT"], &[]),
    Toolchain("n", &["N_PREFIX"], &["bin", "lib", "n"]),
    Toolchain(".npm-global", &[], &["bin", "lib"]),
    Toolchain(".npm-packages", &[], &["bin", "lib"]),
    Toolchain(".local/share/pnpm", &["PNPM_HOME"], &[]),
    Toolchain(".yarn", &[], &["bin", "berry", "releases"]),
    Toolchain(".config/yarn/global", &[], &["node_modules"]),
    Toolchain(".cache/node/corepack", &["COREPACK_HOME"], &[]),
    Toolchain(".bun", &["BUN_INSTALL"], &["bin", "install"]),
    Toolchain(".deno", &["DENO_INSTALL"], &["bin"]),
    Toolchain(".cache/ms-playwright", &["PLAYWRIGHT_BROWSERS_PATH"], &[]),
    Toolchain(".cache/puppeteer", &[], &[]),
    Toolchain(".cache/Cypress", &[], &[]),
    // Python.
    Toolchain(".pyenv", &["PYENV_ROOT"], &[]),
    Toolchain(".local/share/uv", &[], &["python", "tools"]),
    Toolchain(".local/share/pipx", &["PIPX_HOME"], &["venvs", "shared"]),
    Toolchain(".local/pipx", &[], &["venvs", "shared"]),
    Toolchain(".local/share/virtualenvs", &["WORKON_HOME"], &[]),
    Toolchain(".virtualenvs", &[], &[]),
    Toolchain(".local/share/hatch", &[], &["env", "pythons"]),
    Toolchain(".cache/pypoetry", &[], &["virtualenvs"]),
    Toolchain(".local/share/pypoetry", &["POETRY_HOME"], &["venv", "bin"]),
    Toolchain(".rye", &["RYE_HOME"], &["shims", "py", "tools", "self"]),
    Toolchain(".pixi", &["PIXI_HOME"], &["bin", "envs"]),
    Toolchain(".conda", &[], &["envs", "pkgs"]),
    Toolchain("miniconda3", &[], &[]),
    Toolchain("miniforge3", &[], &[]),
    Toolchain("mambaforge", &[], &[]),
    Toolchain("anaconda3", &[], &[]),
    Toolchain("micromamba", &["MAMBA_ROOT_PREFIX"], &[]),
    // Go.
    Toolchain("go", &["GOPATH"], &["bin", "pkg"]),
    Toolchain("", &["GOMODCACHE", "GOROOT"], &[]),
    Toolchain("sdk", &[], &[]),
    Toolchain(".goenv", &["GOENV_ROOT"], &[]),
    Toolchain(".gvm", &[], &[]),
    // Java and what runs beside it.
    Toolchain(".sdkman", &["SDKMAN_DIR"], &["candidates", "bin", "src", "etc"]),
    Toolchain("", &["JAVA_HOME", "JDK_HOME", "M2_HOME", "MAVEN_HOME"], &[]),
    Toolchain(".jdks", &[], &[]),
    Toolchain(".jenv", &["JENV_ROOT"], &[]),
    Toolchain(".m2", &[], &["repository", "wrapper", "toolchains.xml"]),
    Toolchain(".gradle", &["GRADLE_USER_HOME"], &["wrapper/dists", "jdks"]),
    Toolchain(".ivy2", &[], &["cache", "local"]),
    Toolchain(".cache/coursier", &["COURSIER_CACHE"], &[]),
    Toolchain(".local/share/coursier", &[], &["bin"]),
    Toolchain(".konan", &[], &[]),
    Toolchain("Android/Sdk", &["ANDROID_HOME", "ANDROID_SDK_ROOT"], &[]),
    Toolchain("Library/Android/sdk", &[], &[]),
    Toolchain("flutter", &["FLUTTER_ROOT"], &[]),
    Toolchain(".pub-cache", &["PUB_CACHE"], &["bin", "hosted", "global_packages"]),
    // Ruby.
    Toolchain(".rbenv", &["RBENV_ROOT"], &[]),
    Toolchain(".rvm", &[], &[]),
    Toolchain(".rubies", &[], &[]),
    Toolchain(".gem", &[], &["ruby"]),
    Toolchain(".local/share/gem", &[], &["ruby"]),
    Toolchain(".bundle", &[], &["cache", "plugin"]),
    Toolchain(
        "",
        &["GEM_HOME", "GEM_PATH"],
        &["bin", "gems", "specifications", "extensions", "build_info", "cache"],
    ),
    // Others.
    Toolchain(".asdf", &["ASDF_DIR", "ASDF_DATA_DIR"], &[]),
    Toolchain(".tool-versions", &[], &[]),
    Toolchain(".local/share/mise", &["MISE_DATA_DIR"], &["installs", "shims", "plugins"]),
    Toolchain(".config/mise", &["MISE_CONFIG_DIR"], &["config.toml"]),
    Toolchain(".proto", &["PROTO_HOME"], &["bin", "shims", "tools"]),
    Toolchain(".composer", &["COMPOSER_HOME"], &["vendor"]),
    Toolchain(".config/composer", &[], &["vendor"]),
    Toolchain(".phpenv", &[], &[]),
    Toolchain(".dotnet", &["DOTNET_ROOT"], &[]),
    Toolchain(".nuget", &[], &["packages"]),
    Toolchain("", &["NUGET_PACKAGES"], &[]),
    Toolchain(".ghcup", &[], &["bin", "ghc", "cabal", "hls", "stack"]),
    Toolchain(".cabal", &[], &["bin", "packages", "store"]),
    Toolchain(".stack", &["STACK_ROOT"], &["programs", "snapshots", "pantry"]),
    Toolchain(".opam", &["OPAMROOT"], &[]),
    Toolchain(".elan", &["ELAN_HOME"], &[]),
    Toolchain(".mix", &[], &["archives", "elixir"]),
    Toolchain(".hex", &[], &["packages"]),
    Toolchain(".juliaup", &[], &[]),
    Toolchain(".julia", &[], &["juliaup", "packages", "artifacts", "compiled", "registries"]),
    Toolchain("perl5", &[], &[]),
    Toolchain(".plenv", &[], &[]),
    Toolchain(".luarocks", &[], &["bin", "lib", "share"]),
    Toolchain(".swiftly", &[], &["bin", "toolchains"]),
    Toolchain(".local/share/swiftly", &[], &["bin", "toolchains"]),
    Toolchain(".zvm", &[], &[]),
    Toolchain(".terraform.d", &[], &["plugins"]),
    Toolchain(".emsdk", &["EMSDK"], &[]),
    Toolchain(".nix-profile", &[], &[]),
    Toolchain(".local/state/nix", &[], &["profiles"]),
    Toolchain(".linuxbrew", &[], &[]),
    Toolchain("/home/linuxbrew/.linuxbrew", &["HOMEBREW_PREFIX"], &[]),
    // What installers put everywhere.
    Toolchain(".local", &[], &["bin", "lib"]),
    Toolchain("bin", &[], &[]),
];

/// The longest file that is looked through for secrets, in bytes.
const LONGEST: u64 = 1 << 20;

/// What is opened of the toolchains of a user with these variables and these homes.
pub fn all(homes: &[PathBuf], variable: Variable) -> Vec<PathBuf> {
    let of_table = TOOLCHAINS.iter().flat_map(|Toolchain(folder, moved_by, open)| {
        let usual = homes.iter().filter(|_| !folder.is_empty()).map(|home| home.join(folder));
        let in_bases = places(folder, variable).filter(|_| !folder.is_empty());
        let moved = moved_by.iter().filter_map(|name| variable(name));
        // Some name many.
        let moved = moved.flat_map(|value| env::split_paths(&value).collect::<Vec<_>>());
        let moved = moved.filter(|path| path.is_absolute() && !is_around(path, homes));
        let folders: Vec<PathBuf> = usual.chain(in_bases).chain(moved).collect();
        folders.into_iter().flat_map(|folder| pieces(&folder, open))
    });
    let mut all: Vec<PathBuf> = of_table.filter(|path| may_be_opened(path)).collect();
    all.sort();
    all.dedup();
    all
}

fn pieces(folder: &Path, open: &[&str]) -> Vec<PathBuf> {
    if open.is_empty() {
        vec![folder.to_owned()]
    } else {
        open.iter().map(|name| folder.join(name)).collect()
    }
}

/// Whether a path is one of the homes or around one: a variable that says so does not name a toolchain.
pub fn is_around(path: &Path, homes: &[PathBuf]) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = real(path);
    homes.iter().any(|home| real(home).starts_with(&path))
}

/// Whether it is there, and not a file with a secret in it.
fn may_be_opened(path: &Path) -> bool {
    let Ok(found) = path.metadata() else { return false };
    let has_secret = || match fs::read_to_string(path) {
        Ok(text) => text.lines().any(names_secret) || secrets::holds_secret(&text),
        Err(_) => true,
    };
    found.is_dir() || (found.is_file() && found.len() <= LONGEST && !has_secret())
}

/// Whether a line of a configuration gives a token or a password a value.
fn names_secret(line: &str) -> bool {
    let Some((name, value)) = line.split_once('=') else { return false };
    !value.trim().is_empty() && crate::domain::secret::is_secret_name(name.trim().trim_matches('"'))
}
