//! What a push takes from here, as refspecs that name one ref on either side ([`refspec::exact`]).
//!
//! A pattern takes a ref and no bare commit, and each ref goes to one place only: a commit that is pushed by
//! its id, or a second time, has a ref of its own meanwhile.

use super::Push;
use crate::domain::error::Result;
use crate::gate::store::{Expected, Repo};
use crate::system::git::refspec;
use gix::ObjectId;

/// Where commits are while they are pushed.
const PUSHED: &str = "refs/flow-ai/push/";

/// The refspecs of a push, and the refs that were made for it, which go with this.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    repo: &'a Repo,
    made: Vec<Made>,
    pub refspecs: Vec<String>,
}

/// A ref that was made for a push.
#[derive(Debug)]
struct Made {
    name: String,
    id: ObjectId,
    /// What was asked for in its place.
    asked: String,
}

impl<'a> Sources<'a> {
    pub(super) fn of(repo: &'a Repo, push: &Push) -> Result<Sources<'a>> {
        let mut sources = Sources { repo, made: Vec::new(), refspecs: Vec::new() };
        if push.is_dry_run {
            // Nothing is written here, nor moved there.
            sources.refspecs.extend(push.refspecs.iter().map(ToString::to_string));
            return Ok(sources);
        }
        let mut names = repo.ref_names()?;
        names.retain(|name| !name.starts_with(PUSHED));
        let mut taken: Vec<String> = Vec::new();
        for refspec in &push.refspecs {
            let is_id = ObjectId::from_hex(refspec.from.as_bytes()).is_ok();
            let from = match is_id || taken.contains(&refspec.from) {
                true => sources.make(&refspec.from)?,
                false => refspec.from.clone(),
            };
            sources.refspecs.push(refspec::exact(&from, &refspec.to, &names));
            taken.push(from);
        }
        Ok(sources)
    }

    /// A ref at what is pushed.
    fn make(&mut self, asked: &str) -> Result<String> {
        let id = self.repo.commit_of(asked)?.id;
        let name = format!("{PUSHED}{}-{}/{id}", std::process::id(), self.made.len());
        self.repo.set_ref(&name, id, Expected::Missing, "push")?;
        self.made.push(Made { name: name.clone(), id, asked: asked.to_owned() });
        Ok(name)
    }

    /// git's answers, with what was asked for in place of what was made for it.
    pub(super) fn as_asked(&self, output: &str) -> String {
        self.made.iter().fold(output.to_owned(), |output, made| {
            output.replace(&format!("\t{}:", made.name), &format!("\t{}:", made.asked))
        })
    }
}

impl Drop for Sources<'_> {
    fn drop(&mut self) {
        for made in &self.made {
            // The push is over, whatever keeps it here.
            self.repo.delete_ref(&made.name, made.id).ok();
        }
    }
}
