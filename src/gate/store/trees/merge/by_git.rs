//! Merges that git makes: one process for all that are asked at once where it takes trees, one for each
//! where it does not.

use super::{Sealed, Triple, attributes};
use crate::domain::error::{Result, hint};
use crate::gate::store::objects::nameless;
use crate::system::git;
use anyhow::{Context, anyhow};
use gix::ObjectId;
use std::fs;
use std::io::{Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The first git that takes trees for all three sides.
const TAKES_TREES: (u32, u32) = (2, 45);

/// The first git that can be told where to read attributes.
const TAKES_ATTRIBUTES: (u32, u32) = (2, 41);

/// The names that can be in a checkout here.
const NAMES: gix::validate::path::component::Options =
    gix::validate::path::component::Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };

/// What git answered.
pub(super) struct Answers {
    /// In the order of the questions; fewer than these if it stopped.
    pub made: Vec<Option<ObjectId>>,
    /// Why it stopped.
    pub error: Option<anyhow::Error>,
}

/// Asks git to merge these, with attributes from that tree.
pub(super) fn ask(sealed: &Sealed, attributes: Option<ObjectId>, triples: &[Triple]) -> Result<Answers> {
    let version = git::version()?;
    let git = || {
        let mut git = sealed.git();
        with_attributes(sealed, &mut git, attributes, version)?;
        Ok::<_, anyhow::Error>(git)
    };
    if version >= TAKES_TREES {
        return ask_at_once(git()?, triples);
    }
    if version < (2, 38) {
        return Err(hint("this git cannot merge without a checkout", "install git 2.38 or newer"));
    }
    let mut answers = Answers { made: Vec::new(), error: None };
    for triple in triples {
        match ask_for_one(sealed, git()?, *triple) {
            Ok(merged) => answers.made.push(merged),
            Err(error) => {
                answers.error = Some(error);
                break;
            }
        }
    }
    Ok(answers)
}

/// All in one process, which does not flush in between: so they are read from a file.
fn ask_at_once(mut git: Command, triples: &[Triple]) -> Result<Answers> {
    let mut questions = tempfile::tempfile().context("no temporary file")?;
    let mut text = String::new();
    for [base, ours, theirs] in triples {
        text.push_str(&format!("{base} -- {ours} {theirs}\n"));
    }
    questions.write_all(text.as_bytes()).and_then(|()| questions.rewind()).context("no temporary file")?;
    git.args(["merge-tree", "--stdin", "--write-tree", "--no-messages", "-z"]).stdin(Stdio::from(questions));
    let output = git.output().context("git cannot be run")?;
    let made = answers(&output.stdout)?;
    let error = (made.len() != triples.len() || !output.status.success()).then(|| failure(&output.stderr));
    Ok(Answers { made, error })
}

/// Reads `1 NUL tree NUL NUL` for each clean merge, and `0 NUL tree NUL` with more before the last NUL for
/// each conflict.
fn answers(output: &[u8]) -> Result<Vec<Option<ObjectId>>> {
    let mut parts = output.split_inclusive(|byte| *byte == 0).filter_map(|part| part.strip_suffix(b"\0"));
    let mut made = Vec::new();
    while let Some(state) = parts.next().filter(|state| !state.is_empty()) {
        let Some(tree) = parts.next() else { break };
        // What has no end was cut off.
        if !parts.by_ref().any(<[u8]>::is_empty) {
            break;
        }
        made.push(match state {
            b"1" => Some(ObjectId::from_hex(tree).context("git merge-tree named no tree")?),
            _ => None,
        });
    }
    Ok(made)
}

/// As commits, which older gits want.
fn ask_for_one(sealed: &Sealed, mut git: Command, [base, ours, theirs]: Triple) -> Result<Option<ObjectId>> {
    let fork = commit(sealed, base, None)?;
    let (ours, theirs) = (commit(sealed, ours, Some(fork))?, commit(sealed, theirs, Some(fork))?);
    git.args(["merge-tree", "--write-tree", "--no-messages"]).arg(ours.to_string()).arg(theirs.to_string());
    let output = git.output().context("git cannot be run")?;
    match output.status.code() {
        Some(0) => {
            let tree = output.stdout.trim_ascii();
            Ok(Some(ObjectId::from_hex(tree).context("git merge-tree named no tree")?))
        }
        Some(1) => Ok(None),
        _ => Err(failure(&output.stderr)),
    }
}

fn failure(said: &[u8]) -> anyhow::Error {
    anyhow!("git merge-tree failed: {}", String::from_utf8_lossy(said).trim())
}

fn commit(sealed: &Sealed, tree: ObjectId, parent: Option<ObjectId>) -> Result<ObjectId> {
    let commit = nameless(tree, parent, 0, "A tree to merge\n");
    Ok(sealed.gix.write_object(commit).context("a commit cannot be written")?.detach())
}

/// Lets git read attributes from that tree; where it cannot be told to, from a working tree of ours that
/// holds nothing else.
fn with_attributes(
    sealed: &Sealed,
    git: &mut Command,
    tree: Option<ObjectId>,
    version: (u32, u32),
) -> Result<()> {
    let Some(tree) = tree else { return Ok(()) };
    if version >= TAKES_ATTRIBUTES {
        git.arg(format!("--attr-source={tree}"));
        return Ok(());
    }
    let dir = sealed.dir.path().join(format!("attributes-{tree}"));
    if !dir.exists() {
        check_out(sealed, tree, dir.clone())?;
    }
    git.env("GIT_WORK_TREE", &dir).current_dir(dir);
    Ok(())
}

fn check_out(sealed: &Sealed, tree: ObjectId, dir: PathBuf) -> Result<()> {
    let mut folders = vec![(tree, dir)];
    while let Some((id, dir)) = folders.pop() {
        fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        let tree = sealed.gix.find_tree(id).with_context(|| format!("tree {id} cannot be read"))?;
        for entry in tree.iter() {
            let entry = entry.with_context(|| format!("tree {id} cannot be read"))?;
            let name = Path::new(std::ffi::OsStr::from_bytes(entry.filename()));
            if entry.mode().is_blob() {
                let at = dir.join(attributes::NAME);
                fs::write(&at, sealed.blob(entry.object_id())?)
                    .with_context(|| format!("{} cannot be written", at.display()))?;
            } else if gix::validate::path::component(entry.filename(), None, NAMES).is_ok() {
                // Any other name is in no checkout, so that git finds no attributes there.
                folders.push((entry.object_id(), dir.join(name)));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::answers;
    use gix::ObjectId;

    #[test]
    fn answers_are_read_up_to_where_git_stopped() {
        let tree = "8".repeat(40);
        let id = ObjectId::from_hex(tree.as_bytes()).unwrap();
        let text =
            format!("1\0{tree}\0\x000\0{tree}\0100644 {tree} 1\ta\0100644 {tree} 2\ta\0\x001\0{tree}\0\0");
        assert_eq!(answers(text.as_bytes()).unwrap(), [Some(id), None, Some(id)]);
        assert_eq!(answers(&text.as_bytes()[..text.len() - 1]).unwrap(), [Some(id), None]);
        assert_eq!(answers(b"").unwrap(), []);
    }
}
