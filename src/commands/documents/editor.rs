//! A person writes a document in the editor that git would use.
//!
//! What a step asks for stands below a line in the file and is left out. The file lies in our own
//! folder: when something goes wrong after a person has typed, it stays there and is named.

use super::{New, Saved, has_content, save, steps};
use crate::domain::error::{Hint, Result, hint};
use crate::domain::plan;
use crate::domain::spec::Spec;
use crate::domain::text::shell::command_line;
use crate::domain::workflow::{ARTIFACTS, Step};
use crate::gate::store::{Repo, specs};
use crate::system::git;
use crate::system::program;
use anyhow::Context;
use std::fs;
use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};
use tempfile::NamedTempFile;

/// What is below this line in the editor is no part of the document.
const CUT: &str = "<!-- >8 - - - - Write above. This line and all below it will be left out. - - - - -->";

/// Lets the person edit a document of a spec, and saves it.
///
/// # Errors
/// Where the editor fails or what it leaves cannot be saved; the text stays in a file that the error
/// names.
pub fn edit(repo: &Repo, spec: &Spec, document: &str) -> Result<Saved> {
    let workflow = steps(spec)?;
    let step = workflow.steps.iter().find(|step| step.document.as_deref() == Some(document));
    let current = spec.document(document).filter(|text| has_content(text));
    // As long as the plan is the workflow's copy, nobody has written it.
    let is_copy = document == plan::DOCUMENT && step.is_some() && current == spec.recipe.as_deref();
    let initial = match current {
        Some(text) if !is_copy => text.to_owned(),
        _ => template(&spec.title, document, step),
    };
    let typed = Typed::in_editor(repo, &format!("{}.{document}", spec.slug), &initial)?;
    if typed.is_untouched && current.is_some() && !is_copy {
        return Ok(Saved::Unchanged);
    }
    if !has_content(&typed.text) {
        return Err(nothing_written(&format!("{document} stays as it was")));
    }
    let saved = save(repo, spec, document, &typed.text, &format!("Write {document}"));
    saved.map_err(|error| {
        typed.rescue(error, |file| {
            command_line!("git flow-ai spec edit {} {} --from {}", spec.slug, document, file)
        })
    })
}

/// Lets the person write the first document of a spec that is about to begin. `begin` is what to do
/// with it.
///
/// # Errors
/// As [`edit`]; the spec has not begun then.
pub fn edit_first<T>(repo: &Repo, new: &New, begin: impl FnOnce(String) -> Result<T>) -> Result<T> {
    let document = new.first_document();
    let step = new.workflow.steps.iter().find(|step| step.document.as_deref() == Some(document));
    let initial = template(&new.title, document, step);
    let typed = Typed::in_editor(repo, &format!("{}.{document}", new.slug), &initial)?;
    if !has_content(&typed.text) {
        return Err(nothing_written("no spec was begun (`--no-edit` begins one without)"));
    }
    begin(typed.text.clone()).map_err(|error| {
        typed.rescue(error, |file| {
            command_line!("git flow-ai spec {} --slug another-name --from {}", new.title, file)
        })
    })
}

fn nothing_written(so: &str) -> anyhow::Error {
    hint(
        format!("nothing was written, so {so}"),
        "if your editor returns at once, tell it to wait, for example: git config core.editor \"code \
         --wait\"",
    )
}

/// What the person finds in the file of a document that is not there yet.
fn template(title: &str, document: &str, step: Option<&Step>) -> String {
    let (heading, wanted) = match step {
        Some(step) => {
            let instruction = step.instruction.replace(&format!("{ARTIFACTS}/"), "");
            (format!("{title}: {}", step.title), instruction)
        }
        None if document == specs::REQUEST => {
            (title.to_owned(), "What do you want, and why? Agents and reviewers will read it.".to_owned())
        }
        None => (title.to_owned(), String::new()),
    };
    format!("# {heading}\n\n\n{CUT}\n\n{wanted}\n")
}

/// What a person typed, and the file that holds it.
struct Typed {
    text: String,
    is_untouched: bool,
    file: NamedTempFile,
}

impl Typed {
    /// Opens the person's editor and waits for it.
    fn in_editor(repo: &Repo, name: &str, initial: &str) -> Result<Typed> {
        let folder = repo.own_dir()?.join("drafts");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let name = name.trim_end_matches(".md");
        let mut file = tempfile::Builder::new()
            .prefix(&format!("{name}."))
            .suffix(".md")
            .tempfile_in(&folder)
            .with_context(|| format!("cannot write in {}", folder.display()))?;
        file.write_all(initial.as_bytes()).and_then(|()| file.flush()).context("cannot write the draft")?;

        let dir = repo.work_dir().unwrap_or(repo.git_dir());
        let editor = git::output(git::command(dir).args(["var", "GIT_EDITOR"])).map_err(|_| no_editor())?;
        // Somebody has to be there: a full-screen editor in a script writes rubbish and waits.
        let is_scripted = std::env::var_os("GIT_EDITOR").is_some();
        let is_attended = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if !(is_scripted || is_attended) {
            return Err(hint(
                format!("there is no terminal for the editor `{editor}`"),
                "give the text: --from FILE or --from -; let an agent write it: --draft; or set GIT_EDITOR",
            ));
        }
        // As git does it: the shell splits the editor's own words, the file is one argument.
        let status = Command::new(program::SHELL)
            .env("PATH", program::path_for_git())
            .args(["-c", &format!("{editor} \"$@\""), &editor])
            .arg(file.path())
            .stdin(Stdio::inherit())
            .status()
            .with_context(|| format!("cannot run the editor `{editor}`"))?;
        // Editors replace the file: read it by its name, not by our handle.
        let bytes = fs::read(file.path()).context("the editor's file is gone")?;
        let failed = (!status.success()).then(|| {
            hint(
                format!("the editor `{editor}` failed ({status})"),
                "set another: GIT_EDITOR, or use --from FILE",
            )
        });
        let is_untouched = bytes == initial.as_bytes();
        match (failed, String::from_utf8(bytes)) {
            (None, Ok(text)) => Ok(Typed { text: uncut(&text), is_untouched, file }),
            (Some(error), _) if is_untouched => Err(error),
            (Some(error), _) => Err(kept(error, file, |file| format!("use it with --from {file}"))),
            (None, Err(_)) => {
                let error = anyhow::anyhow!("what the editor saved is not UTF-8");
                Err(kept(error, file, |file| format!("save {file} as UTF-8, then use it with --from")))
            }
        }
    }

    /// Keeps the file and says so.
    fn rescue(self, error: anyhow::Error, command: impl Fn(&str) -> String) -> anyhow::Error {
        kept(error, self.file, |file| format!("nothing is lost, your text is in {file}: {}", command(file)))
    }
}

/// The error with the file that stays, and how to use it.
fn kept(error: anyhow::Error, file: NamedTempFile, fix: impl Fn(&str) -> String) -> anyhow::Error {
    let first = error.downcast_ref::<Hint>().map(|hint| format!("{}; ", hint.fix)).unwrap_or_default();
    match file.keep() {
        Ok((_, path)) => hint(format!("{error:#}"), first + &fix(&path.display().to_string())),
        Err(lost) => error.context(format!("the draft could not be kept: {lost}")),
    }
}

fn no_editor() -> anyhow::Error {
    hint("git knows no editor that works here", "set GIT_EDITOR, or give the text: --from FILE, --from -")
}

/// The text above the cut.
fn uncut(text: &str) -> String {
    match text.find(CUT) {
        Some(at) => format!("{}\n", text[..at].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{CUT, has_content, template, uncut};

    #[test]
    fn what_a_step_asks_for_is_no_part_of_the_document() {
        let template = template("Dark mode", "request.md", None);
        assert!(!has_content(&uncut(&template)), "saved as it was, it says nothing");
        assert_eq!(uncut(&template.replacen("\n\n\n", "\n\nWords.\n\n", 1)), "# Dark mode\n\nWords.\n");
        assert_eq!(uncut(&format!("a\r\n{CUT}\r\nb")), "a\n");
        assert_eq!(uncut("a\r\n"), "a\r\n");
    }
}
