//! Filling the submodules of a new worktree, at the commits that it names, without network, at every depth.
//!
//! No agent has been in the worktree yet. `.gitmodules` is of the commit that was checked out: whoever wrote that
//! chooses names and paths, so that only plain ones lead to something of the user's.

use super::list::{Submodule, write};
use super::sound::{self, Section};
use crate::agents::worktree::bounded::run;
use crate::agents::worktree::{Worktree, filters, private_git, scan, settings};
use crate::domain::error::Result;
use anyhow::{Context, bail};
use gix::ObjectId;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// How deep submodules of submodules are filled: a repository can hold itself.
const DEEPEST: usize = 20;

/// A repository whose submodules are filled: the worktree's own, or a submodule of it.
struct Level {
    /// Its files, relative to the worktree.
    path: PathBuf,
    /// The git directory of its objects, and its index.
    git_dir: PathBuf,
    index: PathBuf,
    /// Its private git directory, relative to the worktree's.
    private: PathBuf,
    /// Where the user may have the git directories of its submodules, by their names.
    modules: Vec<PathBuf>,
    /// The user's own checkout of it, where an old git made them in the submodules' folders.
    checkout: Option<PathBuf>,
    depth: usize,
}

/// Fills what can be filled. Returns what stays empty and why, each in one sentence.
pub fn fill(worktree: &Worktree) -> Result<Vec<String>> {
    let parent = &worktree.parent;
    let mut open = vec![Level {
        path: PathBuf::new(),
        git_dir: parent.common.clone(),
        index: worktree.record.index(),
        private: PathBuf::new(),
        modules: parent.modules.clone(),
        checkout: parent.main.clone(),
        depth: 0,
    }];
    let (mut all, mut empty) = (Vec::new(), Vec::new());
    while let Some(level) = open.pop() {
        for (path, commit) in gitlinks(worktree, &level)? {
            let mut submodule =
                Submodule { path: level.path.join(&path), commit, source: None, private: PathBuf::new() };
            match fill_one(worktree, &level, &path, &mut submodule) {
                Ok(next) => open.push(next),
                Err(error) => {
                    empty.push(format!("the submodule {} is empty: {error:#}", submodule.path.display()))
                }
            }
            all.push(submodule);
        }
    }
    if !all.is_empty() {
        write(&worktree.record, &all)?;
    }
    Ok(empty)
}

/// The submodules of a level: where, relative to it, and at which commit.
fn gitlinks(worktree: &Worktree, level: &Level) -> Result<Vec<(PathBuf, ObjectId)>> {
    let folder = worktree.path.join(&level.path);
    if level.depth >= DEEPEST || !sound::has_file(&folder) {
        return Ok(Vec::new());
    }
    let mut list = worktree.git_on(&level.git_dir, &folder);
    list.env("GIT_INDEX_FILE", &level.index).args(["ls-files", "--stage", "-z"]);
    let entries = run("ls-files", &mut list, &[0])?.items();
    let link = |entry: &Vec<u8>| {
        let (data, path) = entry.split_at(entry.iter().position(|byte| *byte == b'\t')?);
        let id = data.strip_prefix(b"160000 ")?.split(|byte| *byte == b' ').next()?;
        Some((scan::as_path(path.get(1..)?).to_owned(), ObjectId::from_hex(id).ok()?))
    };
    Ok(entries.iter().filter_map(link).collect())
}

/// Fills one, and returns it as a level of its own.
fn fill_one(worktree: &Worktree, level: &Level, path: &Path, submodule: &mut Submodule) -> Result<Level> {
    let superproject = worktree.path.join(&level.path);
    let section = sound::section(worktree, &superproject, path)?;
    let Some(section) = section else { bail!("the project's .gitmodules does not name it as git allows") };
    let name = PathBuf::from(&section.name);
    let is_plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_plain(&name) || !is_plain(path) || !scan::is_real_folder(&worktree.path, &submodule.path) {
        bail!("its name or its place leads elsewhere");
    }
    let own = level.checkout.as_ref().map(|checkout| checkout.join(path));
    let candidates = level.modules.iter().map(|modules| modules.join(&name));
    let mut candidates = candidates.chain(own.as_ref().map(|own| own.join(".git")));
    let Some(source) = candidates.find(|dir| dir.join("objects").is_dir() && dir.join("HEAD").is_file())
    else {
        bail!("you have not fetched it (git submodule update --init --recursive)");
    };
    let index = submodule.index(worktree);
    fs::create_dir_all(index.parent().unwrap_or(&index))?;
    let commit = submodule.commit.to_string();
    let mut ask = submodule.git(worktree, &source, &index);
    ask.args(["cat-file", "-e", &format!("{commit}^{{commit}}")]);
    if run("cat-file", &mut ask, &[0]).is_err() {
        bail!("you have not fetched its commit {commit:.10} (git submodule update --init --recursive)");
    }
    let mut checkout = submodule.git(worktree, &source, &index);
    checkout.args(["read-tree", "--reset", "-u", "--no-recurse-submodules", &commit]);
    let checkout = worktree.start_git(filters::heard(checkout), true)?;
    filters::check_out(&worktree.parent, submodule.commit, checkout)?;
    submodule.private = level.private.join("modules").join(&name);
    create_private(worktree, submodule, &source, &section, &index)
        .context("cannot make its private repository")?;
    register(worktree, level, &section)?;
    submodule.source = Some(source.clone());
    Ok(Level {
        path: submodule.path.clone(),
        modules: vec![source.join("modules")],
        git_dir: source,
        index,
        private: submodule.private.clone(),
        checkout: own,
        depth: level.depth + 1,
    })
}

/// Makes the repository that it has to itself, as [`private_git`] does for the worktree.
fn create_private(
    worktree: &Worktree,
    submodule: &Submodule,
    source: &Path,
    section: &Section,
    index: &Path,
) -> Result<()> {
    let (git, folder) = (worktree.git_dir().join(&submodule.private), worktree.path.join(&submodule.path));
    for name in ["objects/pack", "objects/info", "refs/heads", "refs/tags", "hooks", "info"] {
        fs::create_dir_all(git.join(name))?;
    }
    let is_sha256 = submodule.commit.kind() != gix::hash::Kind::Sha1;
    let url = settings::quoted(&settings::without_password(&section.url));
    let config = format!(
        "{}{}[core]\n\tworktree = {}\n[remote \"origin\"]\n\turl = {url}\n",
        worktree.parent.settings.text,
        settings::own(&git, is_sha256),
        settings::quoted(&folder.to_string_lossy())
    );
    fs::write(git.join("config"), config)?;
    fs::write(git.join("objects/info/alternates"), private_git::alternates(source))?;
    if source.join("shallow").exists() {
        fs::copy(source.join("shallow"), git.join("shallow"))?;
    }
    fs::write(git.join("HEAD"), format!("{}\n", submodule.commit))?;
    fs::copy(index, git.join("index"))?;
    fs::write(folder.join(".git"), [b"gitdir: ", git.as_os_str().as_bytes(), b"\n"].concat())?;
    Ok(())
}

/// Tells the repository around it that it is in use, so that `git submodule update` has nothing to write there.
fn register(worktree: &Worktree, level: &Level, section: &Section) -> Result<()> {
    let (name, url) = (settings::quoted(&section.name), settings::without_password(&section.url));
    let mut text = format!("[submodule {name}]\n\tactive = true\n\turl = {}\n", settings::quoted(&url));
    if let Some(update) = &section.update {
        text.push_str(&format!("\tupdate = {}\n", settings::quoted(update)));
    }
    let own = worktree.git_dir().join(&level.private).join("config");
    let template = Some(worktree.record.template().join("config")).filter(|_| level.depth == 0);
    for config in [Some(own), template].into_iter().flatten() {
        let whole = fs::read_to_string(&config)? + &text;
        fs::write(&config, whole).with_context(|| format!("cannot write {}", config.display()))?;
    }
    Ok(())
}
