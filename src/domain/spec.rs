//! A spec: one intended change, by its slug, with its documents and approvals.
//!
//! Documents live on `flow/<slug>/spec`, a branch that is never checked out. An approval is bound to
//! the exact text: it names the blob, so that a later edit makes it void. Approvals are trailers of
//! the branch's commits; each commit of ours repeats those that still hold, so that the tip alone
//! tells a spec's state.

use crate::domain::branch_part::{LONGEST, is_branch_part};
use crate::domain::error::{Result, hint};
use deunicode::deunicode;
use gix::ObjectId;
use std::fmt;
use std::str::FromStr;

/// A spec's short name: lower-case letters, digits and hyphens, at most 60 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

impl Slug {
    /// The slug that a title makes: "Dark mode!" becomes `dark-mode`, "設定" `she-ding`.
    pub fn from_title(title: &str) -> Result<Slug> {
        let mut slug = String::new();
        for c in deunicode(title).to_lowercase().chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= LONGEST {
                break;
            }
        }
        let slug = slug.trim_end_matches('-');
        if slug.is_empty() {
            return Err(hint(
                format!("no short name can be made of the title `{title}`"),
                "give one: git flow-ai spec --slug my-change \"…\"",
            ));
        }
        slug.parse()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `refs/heads/flow/<slug>/spec`
    pub fn spec_ref(&self) -> String {
        self.task_ref("spec")
    }

    /// `refs/heads/flow/<slug>/result`
    pub fn result_ref(&self) -> String {
        self.task_ref("result")
    }

    /// `refs/heads/flow/<slug>/<task>`
    pub fn task_ref(&self, task: &str) -> String {
        format!("refs/heads/flow/{}/{task}", self.0)
    }
}

impl FromStr for Slug {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Slug> {
        let valid = is_branch_part(text)
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !text.ends_with('-');
        if valid {
            Ok(Slug(text.to_owned()))
        } else {
            Err(hint(
                format!("`{text}` is no spec's name"),
                "a name has lower-case letters, digits and hyphens, at most 60; `git flow-ai spec list` lists them",
            ))
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person's approval of one document's exact text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The document's file name, for example `spec.md`.
    pub document: String,
    /// What was approved: the blob of [`crate::domain::plan::essence`] for `plan.md`, else of the file.
    pub text: ObjectId,
    pub by: String,
    /// When, as RFC 3339.
    pub at: String,
}

/// A spec as it stands on its branch.
#[derive(Debug, Clone)]
pub struct Spec {
    pub slug: Slug,
    /// Its title: the heading of `request.md`.
    pub title: String,
    /// The tip of `flow/<slug>/spec`.
    pub commit: ObjectId,
    /// The workflow's name that it was begun with.
    pub workflow: String,
    /// Its copy of that workflow, from which its steps are read: a team may change the workflow while
    /// specs are under way, and a plan replaces its own copy. None where no copy was kept.
    pub recipe: Option<String>,
    /// Its documents by file name, in the tree's order.
    pub documents: Vec<(String, String)>,
    /// The approvals that the tip records, void ones included.
    pub approvals: Vec<Approval>,
}

impl Spec {
    pub fn document(&self, name: &str) -> Option<&str> {
        self.documents.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str())
    }
}
