//! What moved in a submodule, read in the repository that git keeps of it in `.git/modules`.
//!
//! Only objects are read there: no configuration of it counts, nothing is fetched, and no git runs in it.

use super::Repo;
use super::trees::{self, Sealed, is_submodule_name};
use crate::domain::error::Result;
use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// How many commits of one submodule are named.
const MOST: usize = 200;

/// The commits by which a submodule moves: those that come, marked `>`, and those that go, marked `<`, newest
/// first, a line each, as `git diff --submodule=log` shows them. `None` if they are not all here.
pub fn log(repo: &Repo, tree: ObjectId, path: &[u8], old: ObjectId, new: ObjectId) -> Result<Option<String>> {
    let Some(name) = name(repo, tree, path)? else { return Ok(None) };
    let dir = repo.common_dir().join("modules").join(OsStr::from_bytes(&name));
    let Ok(module) = gix::open_opts(dir, gix::open::Options::isolated()) else { return Ok(None) };
    let (Some(come), Some(go)) = (subjects(&module, '>', old, new), subjects(&module, '<', new, old)) else {
        return Ok(None);
    };
    Ok(Some([come, go].concat()))
}

/// What `.gitmodules` of a tree calls the submodule at a path.
fn name(repo: &Repo, tree: ObjectId, path: &[u8]) -> Result<Option<BString>> {
    let Some((_, blob)) = trees::entry(repo, tree, b".gitmodules")? else { return Ok(None) };
    let text = Sealed::over(repo)?.blob(blob)?;
    let Ok(config) = gix::config::File::try_from(text.as_bstr()) else { return Ok(None) };
    let mut sections = config.sections_by_name("submodule").into_iter().flatten();
    let section = sections.find(|section| section.value("path").is_some_and(|own| own.as_bytes() == path));
    let name = section.and_then(|section| section.header().subsection_name().map(ToOwned::to_owned));
    Ok(name.filter(|name| is_submodule_name(name.as_bstr())))
}

/// The first lines of the commits that `to` has and `from` has not; `None` if some cannot be read.
fn subjects(module: &gix::Repository, mark: char, from: ObjectId, to: ObjectId) -> Option<String> {
    let mut text = String::new();
    let walk = module.rev_walk([to]).with_hidden([from]).use_commit_graph(false).all().ok()?;
    for (count, info) in walk.enumerate() {
        if count == MOST {
            text.push_str(&format!("{mark} and more\n"));
            break;
        }
        let commit = info.ok()?.object().ok()?;
        let subject = commit.message().ok()?.summary().to_string();
        text.push_str(&format!("{mark} {subject}\n"));
    }
    Some(text)
}
