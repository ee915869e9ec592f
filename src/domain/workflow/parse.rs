//! Reading a workflow or a plan: lenient with what people wrote, strict with what looks like a step.
//!
//! A step that is passed over in silence is work that nobody does, so that a heading which was meant
//! as one and cannot be read is refused with its line. Everything else is kept and left alone.

use super::document::{is_document_name, written};
use super::{Line, LineKind, Step, Workflow, lines};
use crate::domain::error::{Result, hint, nearest};

/// The directives that we know. Others belong to somebody else and are left alone.
const KNOWN: &[&str] = &["agent", "document", "approval", "id", "after", "files", "verify", "chat-id"];

/// Those that make a step a task of the implementation.
const OF_TASKS: &[&str] = &["id", "after", "files", "verify"];

/// Those of which a step can have only one.
const ONCE: &[&str] = &["agent", "document", "approval", "id", "verify"];

/// Reads a workflow; `name` is the file's stem, `origin` the file's name for messages.
///
/// # Errors
/// A heading that was meant as a step and is none, a directive given twice or with a value that makes
/// no sense, a code block that is not closed before the next step: each with `origin:LINE`.
pub fn parse(name: &str, text: &str, origin: &str) -> Result<Workflow> {
    let mut workflow = Workflow {
        name: name.to_owned(),
        title: String::new(),
        steps: Vec::new(),
        source: text.to_owned(),
        warnings: Vec::new(),
    };
    let mut leading = false;
    for line in lines(text) {
        let at = format!("{origin}:{}", line.number);
        let whole = &text[line.range.clone()];
        match line.kind {
            LineKind::Heading(1, title) if workflow.title.is_empty() && workflow.steps.is_empty() => {
                title.clone_into(&mut workflow.title);
            }
            LineKind::Step(title, done, _) => {
                workflow.steps.push(empty_step(title, done, line.number));
                leading = true;
                continue;
            }
            LineKind::Misshapen(why) => {
                return Err(hint(
                    format!("{at}: this step cannot be read: {why}"),
                    "mend the heading's line",
                ));
            }
            LineKind::Unclosed if hides_steps(&text[line.range.end..]) => {
                return Err(hint(
                    format!(
                        "{at}: a code block or comment begins here and never ends, so the steps after it are lost"
                    ),
                    "close it with a line like the one that opens it, or with `-->`",
                ));
            }
            _ => {}
        }
        let Some(step) = workflow.steps.last_mut() else { continue };
        match line.kind {
            LineKind::Directive(key, value) if leading || KNOWN.contains(&key) => {
                workflow.warnings.extend(take_directive(step, key, value, &line, &at)?);
            }
            LineKind::Blank => step.instruction.push_str(whole),
            _ => {
                leading = false;
                step.instruction.push_str(whole);
            }
        }
    }
    if workflow.title.is_empty() {
        workflow.title = name.to_owned();
    }
    let mut produced: Vec<String> = Vec::new();
    for step in &mut workflow.steps {
        finish(step, &produced);
        produced.extend(step.document.clone());
    }
    Ok(workflow)
}

fn empty_step(title: &str, done: bool, line: usize) -> Step {
    Step {
        title: title.to_owned(),
        done,
        agent: None,
        document: None,
        approval: true,
        directives: Vec::new(),
        instruction: String::new(),
        line,
    }
}

/// Writes a directive into its step; returns a warning where it is most probably misspelt.
fn take_directive(
    step: &mut Step,
    key: &str,
    value: &str,
    line: &Line<'_>,
    at: &str,
) -> Result<Option<String>> {
    let is_repeated = match key {
        "agent" => step.agent.is_some(),
        "document" => step.document.is_some(),
        _ => step.values(key).next().is_some(),
    };
    if ONCE.contains(&key) && is_repeated {
        return Err(hint(format!("{at}: this step has two directives `{key}`"), "keep one of them"));
    }
    if value.is_empty() && matches!(key, "agent" | "document" | "id" | "verify") {
        return Err(hint(
            format!("{at}: the directive `{key}` says nothing"),
            "give it a value or delete the line",
        ));
    }
    match key {
        "agent" => step.agent = Some(value.to_owned()),
        "document" if is_document_name(value) => step.document = Some(value.to_owned()),
        "document" => {
            return Err(hint(
                format!("{at}: `{value}` is no document's name"),
                "a document is a Markdown file in no folder, for example `spec.md`",
            ));
        }
        "approval" => {
            step.approval = match value {
                "none" => false,
                "required" => true,
                _ => {
                    let fix = "write `<!-- approval: none -->` or `<!-- approval: required -->`";
                    return Err(hint(format!("{at}: `{value}` is no kind of approval"), fix));
                }
            };
            step.directives.push((key.to_owned(), value.to_owned(), line.number));
        }
        _ => step.directives.push((key.to_owned(), value.to_owned(), line.number)),
    }
    let meant = if KNOWN.contains(&key) { None } else { nearest(key, KNOWN.iter().copied()) };
    Ok(meant.map(|meant| format!("{at}: the directive `{key}` is not known here: did you mean `{meant}`?")))
}

/// Settles what the step produces, once all of it is read.
fn finish(step: &mut Step, produced: &[String]) {
    step.instruction = step.instruction.trim().to_owned();
    let is_task = step.directives.iter().any(|(key, _, _)| OF_TASKS.contains(&key.as_str()))
        || step.title.to_lowercase().starts_with("implement");
    if step.document.is_none() && !is_task {
        step.document =
            written(&step.instruction).find(|name| !produced.iter().any(|p| p == name)).map(str::to_owned);
    }
}

/// Whether a text that is lost in a code block has lines that look like steps.
fn hides_steps(text: &str) -> bool {
    text.lines().any(|line| matches!(lines(line).first().map(|line| line.kind), Some(LineKind::Step(..))))
}

#[cfg(test)]
mod tests {
    use super::super::{BUILT_IN, built_in};
    use super::parse;

    /// A workflow as Zenflow writes it.
    const ZENFLOW: &str = "# Dependency bump\n\n## Configuration\n- **Artifacts Path**: {@artifacts_path}\n\n---\n\n## Workflow Steps\n\n### [ ] Step: Survey\n<!-- agent: deep-thinker -->\nList outdated crates and breaking notes in `{@artifacts_path}/survey.md`.\n\n### [ ] Step: Upgrade\n<!-- agent: quick-hands -->\nBump in small commits; keep `cargo test` green.\n";

    #[test]
    fn a_workflow_of_zenflow_s_is_read_as_it_is() {
        let workflow = parse("bump", ZENFLOW, "bump.md").expect("reads");
        assert_eq!((workflow.name.as_str(), workflow.title.as_str()), ("bump", "Dependency bump"));
        assert_eq!(workflow.source, ZENFLOW);
        let [survey, upgrade] = &workflow.steps[..] else { unreachable!("two steps") };
        assert_eq!(
            (survey.title.as_str(), survey.agent.as_deref(), survey.line),
            ("Survey", Some("deep-thinker"), 10)
        );
        assert_eq!((survey.document.as_deref(), survey.approval), (Some("survey.md"), true));
        assert_eq!(
            survey.instruction,
            "List outdated crates and breaking notes in `{@artifacts_path}/survey.md`."
        );
        assert_eq!((upgrade.document.as_deref(), upgrade.agent.as_deref()), (None, Some("quick-hands")));
    }

    #[test]
    fn the_built_in_workflows_have_the_documents_that_people_know() {
        let documents = |name: &str| -> Vec<Option<String>> {
            let text = built_in(name).expect("it is built in");
            let workflow = parse(name, text, name).expect("reads");
            assert!(workflow.warnings.is_empty() && workflow.steps.iter().all(|step| !step.done));
            assert!(workflow.steps.iter().all(|step| step.approval || step.document.is_none()));
            workflow.steps.into_iter().map(|step| step.document).collect()
        };
        assert_eq!(documents("quick"), [None]);
        assert_eq!(documents("fix"), [Some("investigation.md".into()), None]);
        assert_eq!(documents("spec"), [Some("spec.md".into()), None]);
        let sdd = ["requirements.md", "spec.md", "plan.md"].map(|name| Some(name.to_owned()));
        assert_eq!(documents("sdd"), [&sdd[..], &[None]].concat());
        assert!(BUILT_IN.iter().all(|name| built_in(name).is_some()) && built_in("no").is_none());
    }

    #[test]
    fn directives_count_wherever_they_stand_in_the_step_but_not_in_code() {
        let text = "# W\n### [ ] Step: A\n\n<!-- document: a.md -->\nWrite it.\n<!-- approval: none -->\n```\n<!-- agent: nobody -->\n```\n";
        let step = parse("w", text, "w.md").expect("reads").steps.remove(0);
        assert_eq!((step.document.as_deref(), step.approval, step.agent), (Some("a.md"), false, None));
        assert_eq!(step.instruction, "Write it.\n```\n<!-- agent: nobody -->\n```");
    }

    #[test]
    fn a_step_that_cannot_be_read_is_refused_with_file_and_line() {
        for (text, expected) in [
            ("# W\n###[ ] Step: A", "w.md:2: this step cannot be read: there is no space"),
            ("# W\r\n\r\n### [?] Step: A", "w.md:3: this step cannot be read: a step's box"),
            ("### [ ] Step: A\n<!-- document: ../a.md -->", "w.md:2: `../a.md` is no document's name"),
            ("### [ ] Step: A\n<!-- document: a.txt -->", "w.md:2: `a.txt` is no document's name"),
            ("### [ ] Step: A\n<!-- approval: maybe -->", "w.md:2: `maybe` is no kind of approval"),
            ("### [ ] Step: A\n<!--\n### [ ] Step: B\n", "w.md:2: a code block or comment begins here"),
        ] {
            let error = parse("w", text, "w.md").expect_err(text).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_file_without_heading_configuration_or_steps_is_read_too() {
        let workflow = parse("own", "just words\n```\nnever closed", "own.md").expect("reads");
        assert_eq!((workflow.title.as_str(), workflow.steps.len()), ("own", 0));
    }

    #[test]
    fn implementation_is_never_taken_for_a_document() {
        let text = "### [ ] Step: Implementation\nWrite a report to `{@artifacts_path}/report.md`.\n### [ ] Step: Build it\n<!-- id: b -->\nWrite notes to `{@artifacts_path}/notes.md`.\n";
        assert!(parse("w", text, "w.md").expect("reads").steps.iter().all(|step| step.document.is_none()));
    }
}
