//! A new worktree, from a pinned commit, beside any number of others being made.
//!
//! git's own `worktree add` fills `.git/worktrees/<id>/` file by file, and another git process that
//! reads a half-made folder dies (`failed to read …/commondir`); it also takes `.git/config.lock` to
//! write tracking. So the admin folder is built aside and renamed into its place in one step, with no
//! branch, no tracking and no configuration, and only the files are checked out by git itself, which
//! knows filters, line ends and sparse trees. The `locked` file keeps anybody's `git worktree prune`
//! away.

use super::{Worktree, Worktrees, record::Record};
use crate::error::{Result, hint};
use crate::git;
use anyhow::{Context, bail};
use gix::ObjectId;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

impl Worktrees {
    /// Makes a worktree with that commit's files, on no branch. Its folder is called `name`, with a
    /// number where that exists already.
    pub fn make(&self, name: &str, commit: ObjectId) -> Result<Worktree> {
        let path = self.new_folder(name)?;
        let id = unique_id(name)?;
        let record = Record::create(&self.own_dir(), &id, name, &path, commit)?;
        let worktree = Worktree { place: self.clone(), name: name.to_owned(), path, base: commit, record };
        match worktree.fill() {
            Ok(()) => Ok(worktree),
            Err(error) => {
                let path = worktree.path.clone();
                // Nobody has worked in it, so nothing of anybody's goes with it.
                worktree.discard().with_context(|| format!("cannot clean up {}", path.display()))?;
                Err(error).with_context(|| format!("cannot make the worktree {}", path.display()))
            }
        }
    }

    fn new_folder(&self, name: &str) -> Result<PathBuf> {
        let refused = |error: std::io::Error, path: &Path| {
            hint(
                format!("cannot make {}: {error}", path.display()),
                "name a folder that you can write to: git config flow-ai.worktrees <folder>, or `worktrees` under [run] in .zenflow/config.toml",
            )
        };
        fs::create_dir_all(&self.root).map_err(|error| refused(error, &self.root))?;
        for number in 1..10_000 {
            let folder = if number == 1 { name.to_owned() } else { format!("{name}.{number}") };
            let path = self.root.join(folder);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // Another process tidied the empty root away in between.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir_all(&self.root).map_err(|error| refused(error, &self.root))?;
                }
                Err(error) => return Err(refused(error, &path)),
            }
        }
        bail!("{} holds ten thousand worktrees called {name} already", self.root.display())
    }
}

impl Worktree {
    fn fill(&self) -> Result<()> {
        let admin = self.admin();
        let mut link = OsString::from("gitdir: ");
        link.push(&admin);
        link.push("\n");
        fs::write(self.path.join(".git"), link.as_bytes())?;
        self.register(&admin)?;
        git::output(
            self.git(&admin)
                .args(["read-tree", "--reset", "-u", "--no-recurse-submodules"])
                .arg(self.base.to_string()),
        )?;
        // Aside first: the index in the record is what says that the checkout was complete.
        let aside = self.record.scratch("index.new");
        fs::copy(admin.join("index"), &aside).context("cannot keep a copy of the index")?;
        fs::rename(&aside, self.record.index())?;
        Ok(())
    }

    /// Puts a complete admin folder among git's in one step.
    fn register(&self, admin: &Path) -> Result<()> {
        let stage = self.place.own_dir().join("stage").join(self.record.id());
        fs::create_dir_all(&stage)?;
        let mut gitdir = self.path.join(".git").into_os_string();
        gitdir.push("\n");
        fs::write(stage.join("HEAD"), format!("{}\n", self.base))?;
        fs::write(stage.join("commondir"), "../..\n")?;
        fs::write(stage.join("gitdir"), gitdir.as_bytes())?;
        fs::write(stage.join("locked"), format!("git flow-ai is at work on {}\n", self.name))?;
        let parent = self.place.common.join("worktrees");
        for _ in 0..100 {
            fs::create_dir_all(&parent)?;
            match fs::rename(&stage, admin) {
                // git removes the parent whenever it removes the last worktree.
                Err(error) if error.kind() == ErrorKind::NotFound && stage.exists() => {}
                other => return other.context("cannot register the worktree with git"),
            }
        }
        bail!("{} vanishes as often as it is made", parent.display())
    }
}

/// The name with what file systems take, and eight random digits: no other process can mean the same.
fn unique_id(name: &str) -> Result<String> {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    let random =
        getrandom::u32().map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(format!("{}-{random:08x}", plain.trim_matches('.')))
}
