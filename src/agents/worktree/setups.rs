//! What a setup command made, as a layer that the next worktree starts with: its `node_modules` cost nothing.
//!
//! `<common git dir>/flow-ai/setups/<key>/` holds `files/` and `about`. The key is a digest of the command, of the
//! files that decide what it makes ([`INPUTS`], or `run.setup_inputs`), and of what was copied in before. A layer is
//! used only where it hides nothing that the commit has.
//!
//! Whoever can write what a setup runs decides what is in its layer. So what was set up on a commit that is not
//! part of where the run began, which an agent may have made, serves only the very same files; and so does one
//! that changed files of the commit, and one whose inputs are not known.

use super::layers::Layers;
use super::upper::Upper;
use super::{Worktree, bases, scan, setup_changes};
use crate::domain::digest;
use crate::domain::error::{Result, hint};
use crate::gate::store::{Repo, trees};
use crate::system::fs::disk_usage::{THOROUGH, measure};
use crate::system::fs::lock::{self, Lock};
use crate::system::fs::remove_tree;
use anyhow::Context;
use gix::ObjectId;
use globset::{GlobBuilder, GlobSetBuilder};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The files that usually decide what a setup makes: what lists and pins a project's dependencies, and which version of
/// its language it takes.
const INPUTS: &[&str] = &[
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    ".npmrc",
    ".yarnrc.yml",
    ".nvmrc",
    ".node-version",
    ".tool-versions",
    "requirements*.txt",
    "constraints*.txt",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
    "pdm.lock",
    "uv.lock",
    "environment.yml",
    ".python-version",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain",
    "rust-toolchain.toml",
    "go.mod",
    "go.sum",
    "go.work",
    "go.work.sum",
    "Gemfile",
    "Gemfile.lock",
    ".ruby-version",
    "composer.json",
    "composer.lock",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "gradle.lockfile",
    "gradle.properties",
    "libs.versions.toml",
    "gradle-wrapper.properties",
    "mix.exs",
    "mix.lock",
    "pubspec.yaml",
    "pubspec.lock",
    "Package.swift",
    "Package.resolved",
    "Podfile",
    "Podfile.lock",
    "packages.config",
    "packages.lock.json",
    "global.json",
    "*.csproj",
    "flake.nix",
    "flake.lock",
    "Makefile",
    "justfile",
];

/// The variables that say which task it is: what names one is made for that task.
const OF_A_TASK: &str = "GIT_FLOW_AI_";

/// A setup command, and what decides what it makes.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    pub command: &'a str,
    /// Patterns of files, as `run.setup_inputs` has them; `None`: the usual ones.
    pub inputs: Option<&'a [String]>,
    /// Whether no agent can have made the commit that it runs on.
    pub is_trusted: bool,
}

/// What became of a setup before it is run.
#[derive(Debug)]
pub enum Prepared {
    /// What it makes is there already.
    Reused,
    /// It has to be run, and its layer can be kept under these keys, while no other process makes the same.
    Needed(Keys),
    /// It has to be run in each worktree.
    Private,
}

/// The keys of a layer.
#[derive(Debug)]
pub struct Keys {
    /// For every commit with the same inputs; `None` if that is not known, or not safe.
    shared: Option<String>,
    /// For the same files alone.
    own: String,
    _making: Lock,
    /// Nothing is removed meanwhile.
    _in_use: File,
}

/// What is known of a layer.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    /// The topmost of the paths that it adds.
    adds: Vec<PathBuf>,
    /// What it takes on the disk.
    bytes: u64,
}

/// Looks for what the setup makes, and takes it if it is there.
pub(super) fn prepare(worktree: &mut Worktree, setup: &Setup<'_>) -> Result<Prepared> {
    let is_asked_for = setup.inputs.is_none_or(|inputs| !inputs.is_empty());
    let Some(layers) = worktree.layers.clone().filter(|_| is_asked_for && !setup.command.contains(OF_A_TASK))
    else {
        return Ok(Prepared::Private);
    };
    let repo = Repo::open(&worktree.parent.common)?;
    let inputs = inputs(&repo, layers.base.tree()?, setup.inputs)?;
    let mut text = setup.command.to_owned();
    for path in worktree.record.copied()? {
        let content = digest::sha256(fs::read(worktree.files().join(&path)).unwrap_or_default());
        text.push_str(&format!("\0copied {} {content}", path.display()));
    }
    let own = digest::short(format!("{text}\0{}", layers.base.key));
    let shared = inputs.map(|inputs| digest::short(format!("{text}\0{inputs}")));
    let own_dir = worktree.parent.own_dir();
    let in_use = bases::in_use(&own_dir)?;
    in_use.lock_shared().context("cannot lock what setups made")?;
    // Whoever needs the same waits for it. No key of a layer begins with a dot.
    let making = own_dir.join("setups").join(format!(".lock-{}", shared.as_ref().unwrap_or(&own)));
    let making = lock::take(&making).context("cannot lock the making of a setup")?;
    for key in shared.iter().chain([&own]) {
        if fits(&repo, &own_dir, key, layers.base.tree()?)? {
            worktree.record.set_layers(&layers.base.key, Some(key))?;
            worktree.layers = Some(Layers { setup: Some(key.clone()), ..layers });
            return Ok(Prepared::Reused);
        }
    }
    let shared = shared.filter(|_| setup.is_trusted);
    Ok(Prepared::Needed(Keys { shared, own, _making: making, _in_use: in_use }))
}

/// Keeps what the setup has made in the worktree as a layer, which it is seen through from now on. Returns the files of
/// the commit that it has changed.
pub(super) fn keep(worktree: &mut Worktree, keys: Keys) -> Result<Vec<PathBuf>> {
    let Some(layers) = worktree.layers.clone() else { return Ok(Vec::new()) };
    let (repo, tree) = (Repo::open(&worktree.parent.common)?, layers.base.tree()?);
    let Upper { touched, ignored, .. } = Upper::of(worktree, &layers)?;
    let mut changed = Vec::new();
    let mut adds: Vec<PathBuf> = ignored.iter().map(|path| scan::as_path(path).to_owned()).collect();
    for path in touched {
        let path = scan::as_path(&path).to_owned();
        let is_known = trees::entry(&repo, tree, path.as_os_str().as_encoded_bytes())?.is_some();
        if is_known { changed.push(path) } else { adds.push(path) }
    }
    let setups = worktree.parent.own_dir().join("setups");
    // One that is there and hides something here is seen by others.
    let is_free = |key: &String| !setups.join(key).exists();
    let key = keys.shared.filter(|_| changed.is_empty()).filter(is_free);
    let key = key.or(Some(keys.own).filter(is_free));
    let key = key.map_or_else(|| Ok(format!("{:016x}", getrandom::u64()?)), anyhow::Ok)?;
    let (aside, place) = (setups.join(format!(".making-{key}")), setups.join(&key));
    remove_tree(&aside)
        .and_then(|()| fs::create_dir_all(&aside))
        .context("cannot keep what the setup made")?;
    let bytes = measure(&worktree.record.upper(), THOROUGH).bytes;
    fs::write(aside.join("about"), serde_json::to_vec(&About { adds, bytes })?)?;
    // What is the worktree's alone stays with it.
    let fresh = worktree.record.scratch("upper.new");
    remove_tree(&fresh).and_then(|()| fs::create_dir(&fresh)).context("cannot make a new layer")?;
    fs::rename(worktree.files().join(".git"), fresh.join(".git")).context("cannot move its .git file")?;
    fs::rename(worktree.record.upper(), aside.join("files")).context("cannot keep what the setup made")?;
    fs::rename(fresh, worktree.record.upper()).context("cannot make a new layer")?;
    fs::rename(&aside, &place).context("cannot keep what the setup made")?;
    worktree.record.set_layers(&layers.base.key, Some(&key))?;
    worktree.layers = Some(Layers { setup: Some(key), ..layers });
    setup_changes::forget(worktree)?;
    Ok(changed)
}

/// A digest of the files that decide what a setup makes; `None` if there are none.
fn inputs(repo: &Repo, tree: ObjectId, patterns: Option<&[String]>) -> Result<Option<String>> {
    let mut globs = GlobSetBuilder::new();
    let usual = INPUTS.iter().map(|name| format!("**/{name}"));
    for pattern in patterns.map_or_else(|| usual.collect(), <[String]>::to_vec) {
        let glob = GlobBuilder::new(&pattern).literal_separator(true).build().map_err(|error| {
            hint(
                format!("`{pattern}` under run.setup_inputs is no pattern: {error}"),
                "see gitignore(5) for patterns",
            )
        })?;
        globs.add(glob);
    }
    let globs = globs.build()?;
    let mut text = String::new();
    let Some(files) = trees::files_but(repo, tree, usize::MAX, &|_| false)? else { return Ok(None) };
    let mut files: Vec<_> =
        files.into_iter().filter(|file| globs.is_match(scan::as_path(&file.path))).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    for file in files {
        text.push_str(&format!("{} {}\0", file.blob, String::from_utf8_lossy(&file.path)));
    }
    Ok((!text.is_empty()).then(|| digest::short(text)))
}

/// All of them: when each was used, its key, what it takes on the disk.
pub(super) fn all(own: &Path) -> Vec<(SystemTime, String, u64)> {
    let read = |entry: fs::DirEntry| {
        let path = entry.path().join("about");
        let about: About = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        Some((path.metadata().ok()?.modified().ok()?, entry.file_name().into_string().ok()?, about.bytes))
    };
    fs::read_dir(own.join("setups")).into_iter().flatten().flatten().filter_map(read).collect()
}

/// Whether that layer is there and hides nothing of that tree.
fn fits(repo: &Repo, own: &Path, key: &str, tree: ObjectId) -> Result<bool> {
    let about = own.join("setups").join(key).join("about");
    let text = match fs::read(&about) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        text => text.with_context(|| format!("cannot read {}", about.display()))?,
    };
    let About { adds, .. } = serde_json::from_slice(&text).context("cannot read what a setup made")?;
    for path in adds {
        let bytes = path.as_os_str().as_encoded_bytes();
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        // A file where the layer has a folder on the way.
        for end in ends {
            if trees::entry(repo, tree, &bytes[..end])?.is_some_and(|(mode, _)| mode != trees::FOLDER) {
                return Ok(false);
            }
        }
        if trees::entry(repo, tree, bytes)?.is_some() {
            return Ok(false);
        }
    }
    let times = fs::FileTimes::new().set_modified(SystemTime::now());
    // Where that fails it is removed earlier.
    let _ = File::options().write(true).open(&about).and_then(|file| file.set_times(times));
    Ok(true)
}
