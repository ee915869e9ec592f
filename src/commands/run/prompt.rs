//! What an agent is told: the spec, its task, the rules, and what was wrong the last time.
//!
//! Everything is in the prompt; nothing is written into the worktree, where it could be committed.

use crate::domain::plan::Task;
use crate::domain::spec::Spec;
use crate::domain::verdict::Finding;
use crate::domain::workflow::ARTIFACTS;
use std::fmt::Write;

/// What an agent is told about its last attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Feedback {
    /// It was stopped in the middle, and so was the run.
    Interrupted,
    /// It ended badly, in one sentence.
    Failed(String),
    /// Verification failed: how, with the last lines of what it printed.
    Verification(String),
    /// A rival's findings block it.
    Findings(Vec<Finding>),
}

/// The whole prompt of an attempt. `verify` are the commands that must pass.
pub fn of(spec: &Spec, task: &Task, verify: &[String], feedback: &[Feedback]) -> String {
    let mut text = format!(
        "You work on one task of a larger change, alone in this folder, a fresh checkout of the project. \
         Nobody will answer questions: decide, and say at the end what you decided.\n\n\
         # Your task: {}\n\n{}\n\n",
        task.title,
        task.instruction.trim()
    );
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    say("# Rules\n");
    say(
        "- Change the files in this folder, and nothing outside of it. Your work is taken from the files; committing is not needed, pushing is forbidden.",
    );
    if task.instruction.contains(ARTIFACTS) {
        say(&format!(
            "- `{ARTIFACTS}/NAME.md` means the document of that name below: there is no such file in this folder, and none is to be made. What you are asked to write there, say in your last message."
        ));
    }
    say("- Do only this task: others are at work on the rest at the same time, in folders of their own.");
    say(
        "- Do not touch `.zenflow/`, git's configuration or hooks. Do not weaken or delete tests to make them pass.",
    );
    if !task.files.is_empty() {
        say(&format!("- The task is meant to touch these files only: {}", task.files.join(", ")));
    }
    for command in verify {
        say(&format!("- This must pass when you are done: `{command}`"));
    }
    say(
        "- A reviewer of another vendor will read your change against what is written here. Leave no debugging output, no dead code, no unrelated edits.\n",
    );
    if !feedback.is_empty() {
        say("# Your last attempt\n");
        say("Its files are still here. Go on from them.\n");
        for feedback in feedback {
            say(&words(feedback));
        }
    }
    say("# The change that the task is part of\n");
    for (name, document) in spec.documents.iter().filter(|(name, _)| name != "plan.md") {
        say(&format!("## {name}\n\n{}\n", document.trim()));
    }
    text
}

fn words(feedback: &Feedback) -> String {
    match feedback {
        Feedback::Interrupted => {
            "It was interrupted before it ended. Look at what is there, and finish it.\n".into()
        }
        Feedback::Failed(why) => format!("It ended badly: {why}\n"),
        Feedback::Verification(how) => {
            format!("Verification failed. Mend the cause, not the test:\n\n```\n{}\n```\n", how.trim_end())
        }
        Feedback::Findings(findings) => {
            let mut text = String::from(
                "A reviewer found what follows, and it blocks the change. Mend every point:\n\n",
            );
            for finding in findings {
                let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
                // Writing to a string cannot fail.
                let _ = writeln!(
                    text,
                    "- {} `{}{line}`: {}",
                    finding.severity,
                    finding.path,
                    finding.body.trim()
                );
                if let Some(suggestion) = &finding.suggestion {
                    let _ = writeln!(text, "  Suggestion: {}", suggestion.trim());
                }
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::Severity;
    use gix::ObjectId;

    #[test]
    fn an_agent_is_told_its_task_the_rules_and_every_finding() {
        let spec = Spec {
            slug: "demo".parse().unwrap(),
            title: "Demo".into(),
            commit: ObjectId::null(gix::hash::Kind::Sha1),
            workflow: "sdd".into(),
            documents: vec![
                ("request.md".into(), "# Demo\nMake it.".into()),
                ("plan.md".into(), "### [ ] Step: all tasks".into()),
            ],
            approvals: Vec::new(),
            recipe: None,
        };
        let task = Task {
            id: "api".into(),
            title: "The API".into(),
            agent: None,
            after: Vec::new(),
            files: vec!["src/api/**".into()],
            verify: None,
            instruction: "Write it as `{@artifacts_path}/request.md` says.".into(),
            done: false,
            line: 1,
        };
        let finding = |line, suggestion: Option<&str>| Finding {
            path: "src/api/a.rs".into(),
            line,
            severity: Severity::P1,
            body: "Off by one.".into(),
            suggestion: suggestion.map(str::to_owned),
        };
        let findings = Feedback::Findings(vec![finding(Some(7), Some("Use <.")), finding(None, None)]);
        let text = of(&spec, &task, &["cargo test".into()], &[findings]);
        for part in [
            "# Your task: The API\n\nWrite it as",
            "/NAME.md` means the document of that name below",
            "src/api/**",
            "`cargo test`",
            "- P1 `src/api/a.rs:7`: Off by one.\n  Suggestion: Use <.",
            "- P1 `src/api/a.rs`: Off by one.",
            "## request.md",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains("all tasks"), "others' tasks are not its business");
        assert!(!of(&spec, &task, &[], &[]).contains("last attempt"));
    }
}
