//! Reading the tasks of a `plan.md`, and refusing a plan that cannot be carried out.
//!
//! Rules: the id is `<!-- id: … -->`, else a slug of the title. It becomes a branch and a folder, so
//! that it has only letters, digits, `-`, `_` and `.`, and differs from the others by more than case.
//! `after` and `files` hold names separated by commas or spaces and can stand more than once;
//! `<!-- after: none -->` says that a step without an id depends on nothing. Every refusal names
//! `plan.md:LINE`.

use super::cycles::refuse_cycles;
use super::ids::{check_id, id_from_title, names, refuse_double_ids, refuse_unknown_ids};
use super::{DOCUMENT, Plan, Task};
use crate::domain::error::{Result, hint};
use crate::domain::workflow::{self, Step};

/// Reads the tasks of a `plan.md`: its steps that produce no document.
///
/// # Errors
/// Whatever would keep the plan from being carried out, with `plan.md:LINE`.
pub fn parse(text: &str) -> Result<Plan> {
    let workflow = workflow::parse("plan", text, DOCUMENT)?;
    let mut tasks: Vec<Task> = Vec::new();
    for step in workflow.steps.iter().filter(|step| step.document.is_none()) {
        let before = tasks.last().map(|task| task.id.clone());
        tasks.push(task(step, before)?);
    }
    refuse_double_ids(&tasks)?;
    refuse_unknown_ids(&mut tasks, &workflow.steps)?;
    refuse_cycles(&tasks)?;
    Ok(Plan { tasks, warnings: workflow.warnings })
}

/// The task that a step makes; `before` is the id of the task before it.
fn task(step: &Step, before: Option<String>) -> Result<Task> {
    let explicit = step.values("id").next();
    let id = match explicit {
        Some((id, line)) => {
            check_id(id, line)?;
            id.to_owned()
        }
        None => id_from_title(&step.title, step.line)?,
    };
    let mut after: Vec<String> = Vec::new();
    for (value, _) in step.values("after") {
        after.extend(names(value).filter(|name| *name != "none").map(str::to_owned));
    }
    let says_after = step.values("after").next().is_some();
    if explicit.is_none() && !says_after {
        after.extend(before);
    }
    after.sort();
    after.dedup();
    let mut files = Vec::new();
    for (value, line) in step.values("files") {
        for pattern in patterns(value) {
            globset::Glob::new(&pattern).map_err(|error| {
                hint(
                    format!("{DOCUMENT}:{line}: `{pattern}` is no file pattern: {}", error.kind()),
                    "mend the pattern",
                )
            })?;
            files.push(pattern);
        }
    }
    Ok(Task {
        id,
        title: step.title.clone(),
        agent: step.agent.clone(),
        after,
        files,
        verify: step.values("verify").next().map(|(command, _)| command.to_owned()),
        instruction: step.instruction.clone(),
        done: step.done,
        line: step.line,
    })
}

/// File patterns: separated by commas outside braces, else by white space.
fn patterns(value: &str) -> Vec<String> {
    let mut depth = 0usize;
    let mut patterns = vec![String::new()];
    let mut has_comma = false;
    for c in value.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                has_comma = true;
                patterns.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = patterns.last_mut() {
            last.push(c);
        }
    }
    if !has_comma {
        patterns = value.split_whitespace().map(str::to_owned).collect();
    }
    let trimmed = patterns.into_iter().map(|pattern| pattern.trim().trim_matches('`').to_owned());
    trimmed.filter(|pattern| !pattern.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::domain::error::Hint;

    /// The message and the way out of a plan's refusal.
    fn refusal(text: &str) -> (String, String) {
        let error = parse(text).expect_err(text);
        let hint = error.downcast_ref::<Hint>().expect("every refusal names the way out");
        (hint.message.clone(), hint.fix.clone())
    }

    fn plan(steps: &[(&str, &str)]) -> String {
        let step = |(id, after): &(&str, &str)| {
            format!("### [ ] Step: Do {id}\n<!-- id: {id} -->\n<!-- after: {after} -->\nDo it.\n\n")
        };
        format!("# Plan\n\n{}", steps.iter().map(step).collect::<String>())
    }

    #[test]
    fn directives_make_a_task() {
        let plan = parse(
            "# Plan\n\n### [x] Step: Store\n<!-- id: store -->\nKeep it.\n\n### [ ] Step: The page\n<!-- id: page -->\n<!-- agent: codex -->\n<!-- after: store -->\n<!-- files: src/*.{rs,ts}, docs/My Page.md -->\n<!-- verify: cargo test -q page -->\n\nShow it.\n<!-- note: kept -->\n",
        )
        .expect("reads");
        let [store, page] = &plan.tasks[..] else { unreachable!("two tasks") };
        assert!(store.done && store.after.is_empty());
        assert_eq!((page.id.as_str(), page.title.as_str(), page.line), ("page", "The page", 7));
        assert_eq!(page.agent.as_deref(), Some("codex"));
        assert_eq!(page.after, ["store"]);
        assert_eq!(page.files, ["src/*.{rs,ts}", "docs/My Page.md"]);
        assert_eq!(page.verify.as_deref(), Some("cargo test -q page"));
        assert_eq!(page.instruction, "Show it.\n<!-- note: kept -->");
    }

    #[test]
    fn steps_without_ids_follow_each_other() {
        let plan = parse(
            "# P\n### [ ] Step: First thing\na\n### [ ] Step: Second\nb\n### [ ] Step: Free\n<!-- after: none -->\n",
        )
        .expect("reads");
        let after: Vec<_> = plan.tasks.iter().map(|task| (task.id.as_str(), task.after.join(" "))).collect();
        assert_eq!(
            after,
            [("first-thing", String::new()), ("second", "first-thing".into()), ("free", String::new())]
        );
    }

    #[test]
    fn a_title_in_any_script_makes_an_id_that_stays() {
        let one = parse("### [ ] Step: 数据库\n").expect("reads");
        let two = parse("### [ ] Step: Другое\n### [ ] Step: 数据库\n").expect("reads");
        assert_eq!(one.tasks[0].id, two.tasks[1].id);
        assert_ne!(two.tasks[0].id, two.tasks[1].id);
    }

    #[test]
    fn a_cycle_is_shown_all_around_with_its_lines() {
        let (message, _) = refusal(&plan(&[("a", ""), ("b", "a d"), ("c", "b"), ("d", "c")]));
        assert_eq!(
            message,
            "plan.md:8: tasks wait for each other: b (line 8) → d (line 18) → c (line 13) → b"
        );
        let (message, _) = refusal(&plan(&[("a", "a")]));
        assert_eq!(message, "plan.md:3: tasks wait for each other: a (line 3) → a");
    }

    #[test]
    fn ten_thousand_tasks_in_a_row_are_no_cycle() {
        let text: String = (0..10_000)
            .rev()
            .map(|n| {
                format!(
                    "### [ ] Step: s{n}\n<!-- id: s{n} -->\n<!-- after: {} -->\n",
                    if n == 0 { "none".into() } else { format!("s{}", n - 1) }
                )
            })
            .collect();
        assert_eq!(parse(&text).expect("reads").tasks.len(), 10_000);
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_with_its_line() {
        for (text, expected, fix) in [
            (
                plan(&[("store", ""), ("page", "stoer")]),
                "plan.md:10: `page` comes after `stoer`",
                "did you mean `store`?",
            ),
            (
                plan(&[("a", ""), ("A", "")]),
                "plan.md:8: the id `A` is taken by the step in line 3",
                "another",
            ),
            (plan(&[("spec", "")]), "plan.md:4: the id `spec` is reserved", "another"),
            (plan(&[("Result", "")]), "plan.md:4: the id `Result` is reserved", "another"),
            (plan(&[("a/b", "")]), "plan.md:4: `a/b` cannot be", "letters"),
            (plan(&[("a.lock", "")]), "plan.md:4: `a.lock` cannot be", "letters"),
            (plan(&[("-x", "")]), "plan.md:4: `-x` cannot be", "letters"),
            (plan(&[("a..b", "")]), "plan.md:4: `a..b` cannot be", "letters"),
            ("### [ ] Step: Spec\n".into(), "plan.md:1: the id `spec` is reserved", "another"),
            (
                "### [ ] Step: A\n### [ ] Step: a!\n".into(),
                "plan.md:2: the id `a` is taken",
                "<!-- id: … -->",
            ),
            (
                "### [ ] Step: A\n<!-- files: src/[ -->\n".into(),
                "plan.md:2: `src/[` is no file pattern",
                "mend",
            ),
            ("### [ ] Step: A\n<!-- id: -->\n".into(), "plan.md:2: the directive `id` says nothing", "value"),
            (
                "### [ ] Step: A\n<!-- id: a -->\n<!-- id: b -->\n".into(),
                "plan.md:3: this step has two",
                "keep",
            ),
            ("# P\n\n###[ ] Step: A\n".into(), "plan.md:3: this step cannot be read", "mend"),
            ("# P\n```\n### [ ] Step: A\n".into(), "plan.md:2: a code block or comment begins here", "close"),
        ] {
            let (message, hint) = refusal(&text);
            assert!(message.starts_with(expected), "{message}");
            assert!(hint.contains(fix), "{hint}");
        }
    }

    #[test]
    fn a_plan_that_is_still_its_workflow_has_only_the_implementation() {
        let text = "# W\n### [ ] Step: Survey\nList it in `{@artifacts_path}/survey.md`.\n### [ ] Step: Upgrade\n<!-- after: survey -->\nGo.\n";
        let plan = parse(text).expect("reads");
        assert_eq!(plan.tasks.len(), 1);
        assert!(plan.tasks[0].after.is_empty(), "the survey is done before any run");
    }

    #[test]
    fn windows_line_ends_change_nothing() {
        let unix = plan(&[("a", ""), ("b", "a")]);
        let windows = unix.replace('\n', "\r\n");
        assert_eq!(parse(&unix).expect("reads"), parse(&windows).expect("reads"));
    }

    #[test]
    fn a_misspelt_directive_is_warned_of() {
        let plan = parse("### [ ] Step: A\n<!-- aftr: b -->\n<!-- chat-id: 7 -->\n<!-- zebra: 1 -->\n")
            .expect("reads");
        assert_eq!(
            plan.warnings,
            ["plan.md:2: the directive `aftr` is not known here: did you mean `after`?"]
        );
    }
}
