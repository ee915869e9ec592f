//! The story: from an idea to a merge that a rival has judged, and one that is refused.

use super::{Narration, Playground, sample};
use crate::domain::error::Result;
use crate::domain::text::shell;
use anyhow::Context;
use std::fs;

const SLUG: &str = "prices-for-people";

/// The scripted agents and the makers of their (scripted) models. The last writes nothing: of what the
/// three others made together, only a fourth vendor can be the judge.
const AGENTS: [(&str, &str); 4] =
    [("alder", "alder-labs"), ("birch", "birch-ai"), ("cedar", "cedar-corp"), ("dogwood", "dogwood-inc")];

/// Plays it; whether each step came out as shown.
pub(super) fn play(
    playground: &Playground,
    keep: bool,
    narrate: &mut dyn FnMut(Narration<'_>),
) -> Result<bool> {
    let mut story = Story { playground, keep, narrate, holds: true };
    story.begin()?;
    story.agree()?;
    story.build()?;
    story.refuse()?;
    story.merge()?;
    Ok(story.holds)
}

struct Story<'a> {
    playground: &'a Playground,
    /// Whether the tasks' worktrees stay.
    keep: bool,
    narrate: &'a mut dyn FnMut(Narration<'_>),
    holds: bool,
}

impl Story<'_> {
    /// A project, and the gate in it.
    fn begin(&mut self) -> Result<()> {
        self.chapter("A project, and a gate in front of its main branch");
        self.playground.write(sample::MAIN)?;
        self.playground.write(&[(crate::domain::config::PATH, &self.config())])?;
        self.types(&["git", "init", "--quiet"])?;
        self.types(&["sh", "test.sh"])?;
        self.say("Its config names scripted agents of four vendors, who review each other.");
        self.types(&["grep", "-v", "^command", crate::domain::config::PATH])?;
        self.types(&["git", "flow-ai", "init"])?;
        self.types(&["git", "add", "--all"])?;
        self.types(&["git", "commit", "--quiet", "--message", "A till, with a gate"])?;
        let hooks = self.playground.git(&["rev-parse", "--git-path", "hooks"])?;
        let installed = self.playground.repo().join(hooks).join("reference-transaction").is_file();
        self.proof("the hooks are in place", installed);
        Ok(())
    }

    /// A spec, approved, and a plan.
    fn agree(&mut self) -> Result<()> {
        self.chapter("A spec and a plan, agreed on before anybody writes code");
        let beside = |name: &str| self.playground.root().join(name);
        fs::write(beside("spec.md"), sample::SPEC).context("cannot write the specification")?;
        fs::write(beside("plan.md"), sample::PLAN).context("cannot write the plan")?;
        self.types(&["git", "flow-ai", "spec", "Prices for people", "--from", "../spec.md"])?;
        self.types(&["git", "flow-ai", "approve", SLUG])?;
        self.types(&["git", "flow-ai", "plan", SLUG, "--from", "../plan.md"])?;
        self.types(&["git", "flow-ai", "status"])?;
        let branch = format!("flow/{SLUG}/spec");
        let approved = self.playground.git(&[
            "log",
            "-1",
            "--format=%(trailers:key=Flow-Approved,valueonly)",
            &branch,
        ])?;
        self.proof("the approval is a trailer of the spec's branch", approved.contains("spec.md"));
        let status = self.playground.git(&["status", "--porcelain"])?;
        self.proof("nothing of it was checked out", status.is_empty());
        Ok(())
    }

    /// Three agents at once; one is found out.
    fn build(&mut self) -> Result<()> {
        self.chapter("Three agents at once, each in a worktree of its own, each judged by a rival");
        let before = self.playground.git(&["rev-parse", "main"])?;
        let mut run = vec!["git", "flow-ai", "run", SLUG, "--parallel", "3"];
        run.extend(self.keep.then_some("--keep"));
        self.types(&run)?;
        for task in ["discount", "tax", "show"] {
            let branch = format!("flow/{SLUG}/{task}");
            self.proof(&format!("git knows the branch {branch}"), self.exists(&branch)?);
        }
        let show = format!("flow/{SLUG}/show");
        let attempt =
            self.playground.git(&["log", "-1", "--format=%(trailers:key=Flow-Attempt,valueonly)", &show])?;
        self.proof(
            "the tests passed on `show` at once, the rival did not: it took two attempts",
            attempt == "2",
        );
        let notes = self.playground.git(&["log", "--all", "--notes=flow-ai", "--format=%N%x00"])?;
        let found = notes.split('\0').filter(|note| !note.trim().is_empty()).count();
        self.proof(&format!("{found} commits carry verdicts in refs/notes/flow-ai"), found == 5);
        let worktrees = self.playground.worktrees()?;
        if self.keep {
            let expected = ["discount", "show", "tax"].map(|task| format!("{SLUG}.{task}"));
            self.proof("each task's worktree is still there, as was asked for", worktrees == expected);
        } else {
            self.proof("the worktrees are gone, their work is committed", worktrees.is_empty());
        }
        self.proof("main has not moved", self.playground.git(&["rev-parse", "main"])? == before);
        self.types(&["git", "flow-ai", "status", SLUG])?;
        Ok(())
    }

    /// A branch without a review.
    fn refuse(&mut self) -> Result<()> {
        self.chapter("Somebody merges a branch that nobody has reviewed; its tests pass");
        self.types(&["git", "switch", "--quiet", "--create", "faster-sum"])?;
        self.playground.write(sample::CARELESS)?;
        self.types(&["sh", "test.sh"])?;
        self.types(&["git", "commit", "--quiet", "--all", "--message", "Add prices up faster"])?;
        self.types(&["git", "switch", "--quiet", "main"])?;
        let before = self.playground.git(&["rev-parse", "main"])?;
        self.say("The hook has a rival read it on the spot:");
        let merged = self.tries(&["git", "merge", "--no-ff", "--no-edit", "faster-sum"])?;
        self.proof("the merge was refused", !merged);
        if self.exists("MERGE_HEAD")? {
            self.types(&["git", "merge", "--abort"])?;
        }
        self.proof("main has not moved", self.playground.git(&["rev-parse", "main"])? == before);
        self.proof("the worktree is as it was", self.playground.git(&["status", "--porcelain"])?.is_empty());
        Ok(())
    }

    /// The result, which a rival has approved.
    fn merge(&mut self) -> Result<()> {
        self.chapter("The result, approved by a rival, goes in");
        let result = self.playground.git(&["rev-parse", &format!("flow/{SLUG}/result")])?;
        self.types(&["git", "flow-ai", "merge", SLUG])?;
        let inside = self.playground.git(&["rev-list", "--count", &format!("main..{result}")])?;
        self.proof("git says that main holds the result", inside == "0");
        self.types(&["sh", "test.sh"])?;
        self.types(&["sh", "-c", ". ./lib/show.sh; show 1205"])?;
        self.say("The verdicts stay with the commits:");
        let show = format!("flow/{SLUG}/show");
        self.types(&["git", "log", "--notes=flow-ai", "--max-count=2", "--format=%h %s%n%N", &show])?;
        let notes = self.playground.git(&["notes", "--ref=flow-ai", "show", &result])?;
        self.proof("git notes holds the verdict that let it in", notes.contains("APPROVE"));
        self.types(&["git", "flow-ai", "status"])?;
        self.say("Everything stays for looking around. To clear away what is merged, and only that:");
        self.types(&["git", "flow-ai", "clean", "--dry-run"])?;
        Ok(())
    }

    fn chapter(&mut self, title: &str) {
        (self.narrate)(Narration::Chapter(title));
    }

    fn say(&mut self, sentence: &str) {
        (self.narrate)(Narration::Say(sentence));
    }

    /// Runs a command that must succeed.
    fn types(&mut self, words: &[&str]) -> Result<()> {
        if !self.tries(words)? {
            self.proof("the last command succeeded", false);
        }
        Ok(())
    }

    /// Runs a command that may fail; whether it succeeded.
    fn tries(&mut self, words: &[&str]) -> Result<bool> {
        (self.narrate)(Narration::Command(&shell::join(words.iter().copied())));
        self.playground.run(words, self.narrate)
    }

    /// Shows what git itself says about the step.
    fn proof(&mut self, claim: &str, holds: bool) {
        self.holds &= holds;
        (self.narrate)(Narration::Proof(claim, holds));
    }

    fn exists(&self, revision: &str) -> Result<bool> {
        Ok(!self.playground.git(&["rev-parse", "--verify", "--quiet", revision])?.is_empty())
    }

    /// The config: the scripted agents, who review each other.
    fn config(&self) -> String {
        let program = toml::Value::String(self.playground.program().to_string_lossy().into_owned());
        let mut config = String::from("version = 1\n\n[run]\nverify = \"sh test.sh\"\n");
        for (name, vendor) in AGENTS {
            config.push_str(&format!(
                "\n[agents.{name}]\ncommand = [{program}, \"demo-agent\"]\nvendor = \"{vendor}\"\n\
                 \n[reviewers.{name}]\nagent = \"{name}\"\n"
            ));
        }
        config + "\n[gate]\nbranches = [\"main\"]\n"
    }
}
