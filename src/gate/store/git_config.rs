//! git's own configuration: single settings, remotes, and whether the clone is partial.

use super::Repo;
use super::keep::KEPT;
use super::verdicts::COPIES;
use crate::domain::error::{Hint, hint_on};
use crate::domain::text::shell::{Part, command_line};
use crate::domain::verdict::NOTES_REF;

/// One setting of git's configuration, of a section that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What stands between the section and the key, if anything: `lfs` of `filter.lfs.clean`.
    pub subsection: Option<String>,
    /// The key: `clean`.
    pub name: String,
    /// Its value as git would unquote it.
    pub value: String,
}

impl Repo {
    /// Whether it is a partial clone: objects may be missing that its remote has promised.
    pub fn is_partial(&self) -> bool {
        self.promisor().is_some()
    }

    /// The remote that has promised the objects which this clone lacks; none where it is a whole one.
    fn promisor(&self) -> Option<String> {
        let config = self.gix.config_snapshot();
        let promises =
            |name: &String| config.boolean(format!("remote.{name}.promisor").as_str()) == Some(true);
        let of_old = config.string("extensions.partialClone").map(|name| name.to_string());
        self.remotes().into_iter().find(promises).or(of_old)
    }

    /// The command by which a partial or shallow clone gets all that the gate may ask for.
    pub fn make_whole(&self) -> String {
        let remote = self.promisor().unwrap_or_else(|| "origin".into());
        let shallow = if self.is_shallow() { " --unshallow" } else { "" };
        // A partial clone lacks of the verdicts what nobody has read yet. A pattern fails on no remote without them.
        let (partial, notes) = match self.is_partial() {
            true => {
                (" --refetch --no-filter", command_line!(" {}", format!("+{NOTES_REF}*:{COPIES}{remote}*")))
            }
            false => ("", String::new()),
        };
        let (branches, kept) =
            (format!("+refs/heads/*:refs/remotes/{remote}/*"), format!("+{KEPT}*:{KEPT}*"));
        command_line!(
            "git fetch{}{} {} {} {}{}",
            Part(shallow),
            Part(partial),
            remote,
            branches,
            kept,
            Part(&notes)
        )
    }

    /// What may be missing in a partial clone, and how to get it: nothing is fetched in the middle of a judgement.
    pub fn explain_absence(&self, error: anyhow::Error) -> anyhow::Error {
        if !self.is_partial() || error.chain().any(|cause| cause.is::<Hint>()) {
            return error;
        }
        let what = "the change cannot be read: this is a partial clone, and may lack some of its objects";
        hint_on(error, what, self.make_whole())
    }

    /// The names of the remotes, sorted.
    pub fn remotes(&self) -> Vec<String> {
        self.gix.remote_names().iter().map(ToString::to_string).collect()
    }

    /// Everything in a section of git's configuration, whatever the subsection (`filter` holds
    /// `filter.lfs.clean`), in git's order: of the same key the last one counts.
    pub fn git_settings(&self, section: &str) -> Vec<Setting> {
        let config = self.gix.config_snapshot();
        let sections = config.plumbing().sections_by_name(section).into_iter().flatten();
        let settings = sections.flat_map(|section| {
            let subsection = section.header().subsection_name().map(ToString::to_string);
            let value = |name: &str| match section.value_implicit(name)? {
                Some(value) => Some(value.to_string()),
                // git takes a key without a value for true.
                None => Some("true".to_owned()),
            };
            let named = section.value_names().filter_map(|name| Some((value(&name)?, name)));
            named
                .map(|(value, name)| Setting { subsection: subsection.clone(), name, value })
                .collect::<Vec<_>>()
        });
        settings.collect()
    }

    /// A value of git's configuration (`flow-ai.parallel`), the last one, as text.
    pub fn git_config(&self, key: &str) -> Option<String> {
        self.gix.config_snapshot().string(key).map(|value| value.to_string())
    }

    /// All values of a key that no repository can set: those of the system's and the person's own
    /// configuration, of the environment and of `git -c`.
    pub fn persons_config(&self, key: &str) -> Vec<String> {
        let is_theirs = |source| {
            use gix::config::Source::{Cli, Env, Git, GitInstallation, System, User};
            matches!(source, GitInstallation | System | Git | User | Env | Cli)
        };
        let snapshot = self.gix.config_snapshot();
        let values = snapshot.plumbing().strings_filter(key, |section| is_theirs(section.source));
        values.unwrap_or_default().iter().map(ToString::to_string).collect()
    }
}
