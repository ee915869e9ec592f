//! How worktrees get their files here. Whether they can be seen through layers is found out by trying: a kernel, a file
//! system or a container may forbid it in many ways.

use super::{Worktrees, unused};
use crate::agents::sandbox::launch::Launcher;
use crate::agents::sandbox::{Sandbox, SandboxedCommand, Scope};
use crate::domain::error::{Result, hint};
use crate::gate::store::{Repo, Sharing};
use crate::system::fs::remove_tree;
use crate::system::overlay::{Overlay, is_whiteout};
use anyhow::{Context, bail};
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a command does to a file that is there, to one that goes, and to a folder of its own.
const TRIED: &str =
    "echo more >>kept && rm folder/gone && mkdir new && mv new newer && test ! -e folder/gone";

/// How worktrees are made, by `git config flow-ai.checkouts`.
enum Wanted {
    Overlay,
    Copy,
    Full,
    /// The best that this system has.
    Best,
}

/// How worktrees are checked out here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkouts {
    /// Each is an overlay over a clean checkout that all share.
    Overlay,
    /// Each has all files to itself, copied from a clean checkout as soon as a second one needs the same: why.
    Copy(String),
    /// Each is checked out by git: why.
    Full(String),
}

impl fmt::Display for Checkouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Checkouts::Overlay => f.write_str("overlays over a clean checkout that they share"),
            Checkouts::Copy(why) => write!(f, "copies of a clean checkout ({why})"),
            Checkouts::Full(why) => write!(f, "by git, one for each worktree ({why})"),
        }
    }
}

impl Worktrees {
    /// Has new worktrees share their checkouts, if that works in that sandbox. Returns how they are made.
    ///
    /// # Errors
    /// If the user asks for what does not work.
    pub fn share_checkouts(&mut self, repo: &Repo, sandbox: &Sandbox) -> Result<Checkouts> {
        // So that no process takes what is tried for what a killed one left.
        let _making = self.making()?;
        self.checkouts = match self.common.to_str().and(self.root.to_str()) {
            Some(_) => checkouts(repo, sandbox)?,
            None => Checkouts::Copy("their path is not UTF-8".into()),
        };
        Ok(self.checkouts.clone())
    }

    /// Whether new worktrees are seen through layers, so that one costs next to nothing, its setup included.
    pub fn have_layers(&self) -> bool {
        self.checkouts == Checkouts::Overlay
    }

    /// The same, whose new worktrees have all files to themselves.
    pub fn without_layers(&self) -> Worktrees {
        let why = "a program did not work in an overlay".into();
        Worktrees { checkouts: Checkouts::Copy(why), ..self.clone() }
    }

    /// Removes clean checkouts that are not in use: old ones and those beyond their room, or all of them. Returns how
    /// many went.
    pub fn sweep_checkouts(&self, all: bool) -> Result<usize> {
        let gone = unused::sweep(&self.own_dir(), all)?;
        let count = gone.len();
        if count > 0 {
            self.deletions.start(gone);
        }
        Ok(count)
    }
}

/// Whether that output complains of what only overlays cannot do: a folder of a lower layer is not renamed there
/// (`rename(2)`, EXDEV), and not every program copies it then.
pub fn needs_own_files(output: &str) -> bool {
    ["Invalid cross-device link", "EXDEV", "os error 18"].iter().any(|said| output.contains(said))
}

/// How worktrees are checked out for commands in that sandbox: as the user chose, or the best that works.
///
/// # Errors
/// If the user asks for what does not work.
pub fn checkouts(repo: &Repo, sandbox: &Sandbox) -> Result<Checkouts> {
    let wanted = match repo.git_config("flow-ai.checkouts").as_deref().map(str::trim) {
        None => Wanted::Best,
        Some("overlay") => Wanted::Overlay,
        Some("copy") => Wanted::Copy,
        Some("full") => Wanted::Full,
        Some(other) => {
            return Err(hint(
                format!("invalid value `{other}` for flow-ai.checkouts (expected overlay, copy or full)"),
                "git config --unset flow-ai.checkouts takes the best that there is",
            ));
        }
    };
    let asked = || "flow-ai.checkouts asks for it".to_owned();
    match wanted {
        Wanted::Full => return Ok(Checkouts::Full(asked())),
        // What one of them made, another could not change in an overlay: a user namespace knows one user. Nor would a
        // clean checkout be kept from the others.
        _ if Sharing::of(repo).is_some() => {
            return Ok(Checkouts::Full("several people share the repository".into()));
        }
        Wanted::Copy => return Ok(Checkouts::Copy(asked())),
        // It would keep programs from becoming another user, and nothing would keep them from the shared files.
        Wanted::Best if !sandbox.is_active() => {
            return Ok(Checkouts::Copy("commands are not sandboxed".into()));
        }
        Wanted::Best | Wanted::Overlay => {}
    }
    match (try_overlays(repo, sandbox)?, wanted) {
        (Ok(()), _) => Ok(Checkouts::Overlay),
        (Err(why), Wanted::Overlay) => Err(hint(
            format!("flow-ai.checkouts asks for overlays, which do not work here: {why}"),
            "git config --unset flow-ai.checkouts takes the best that there is",
        )),
        (Err(why), _) => Ok(Checkouts::Copy(format!("no overlays: {why}"))),
    }
}

/// Has a command in that sandbox change an overlay, where the worktrees' own will be. Why it cannot, if so.
fn try_overlays(repo: &Repo, sandbox: &Sandbox) -> Result<Result<(), String>> {
    if Launcher::own().is_none() {
        return Ok(Err("this program is not git-flow-ai".into()));
    }
    // Where half-made records are: what a kill leaves goes with those.
    let own = repo.own_dir()?;
    let stage = own.join("stage");
    let made =
        fs::create_dir_all(&stage).and_then(|()| tempfile::Builder::new().prefix("try-").tempdir_in(&stage));
    let Ok(place) = made else { return Ok(Err(format!("{} cannot be written", own.display()))) };
    let tried = attempt(&own, place.path(), sandbox).map_err(|error| format!("{error:#}"));
    // The kernel leaves a folder in there that nobody may read.
    remove_tree(place.path()).with_context(|| format!("cannot remove {}", place.path().display()))?;
    Ok(tried)
}

fn attempt(own: &Path, place: &Path, sandbox: &Sandbox) -> Result<()> {
    for folder in ["lower/folder", "upper", "work", "at"] {
        fs::create_dir_all(place.join(folder))?;
    }
    for file in ["lower/kept", "lower/folder/gone"] {
        fs::write(place.join(file), "some\n")?;
    }
    let name = place.strip_prefix(own)?;
    let overlay = Overlay {
        at: place.join("at"),
        within: own.to_owned(),
        lower: vec![name.join("lower")],
        upper: Some((name.join("upper"), name.join("work"))),
    };
    let scope = Scope { dir: place.join("at"), edits: true, overlays: vec![overlay], ..Scope::default() };
    let mut command = Command::new("/bin/sh");
    command.args(["-c", TRIED]);
    let SandboxedCommand { mut command, guard: _guard, .. } = sandbox.wrap(&command, &scope)?;
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{}", text.lines().find(|line| !line.trim().is_empty()).unwrap_or("it was not mounted"));
    }
    let gone = place.join("upper/folder/gone").symlink_metadata();
    let is_written = fs::read_to_string(place.join("upper/kept")).is_ok_and(|text| text == "some\nmore\n");
    if !is_written || !gone.is_ok_and(|data| is_whiteout(&data)) {
        bail!("what was written is not in the topmost layer");
    }
    Ok(())
}
