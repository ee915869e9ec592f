//! The demo's agents: scripted, but they do what a real one does where it counts.
//!
//! They get the prompt on standard input. As authors they edit files in the current directory, and
//! mend them when the prompt brings a finding back. As reviewers they read the difference that they
//! are shown and answer in the required form; they find the fault because they look for it in the
//! lines that were added, not because they know where it is.

use super::sample::{self, File};
use crate::domain::error::{Result, hint};
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How long they pretend to think, so that a person can watch them.
const THINKING: Duration = Duration::from_millis(500);

/// Does what the prompt asks for in that folder, and returns the final text.
pub fn act(mode: &str, task: &str, prompt: &str, dir: &Path) -> Result<String> {
    sleep(THINKING);
    match mode {
        "edit" => edit(task, prompt, dir),
        "review" => review(prompt),
        _ => Err(hint("this is an agent of the demo", "git flow-ai demo plays the whole story")),
    }
}

fn edit(task: &str, prompt: &str, dir: &Path) -> Result<String> {
    // The author learns of the fault from the finding that is sent back, and from nowhere else.
    let told = prompt.contains(sample::FAULTS[0].suggestion);
    let files: &[File<'_>] = match task {
        "discount" => sample::DISCOUNT,
        "tax" => sample::TAX,
        "show" if told => sample::SHOW_MENDED,
        "show" => sample::SHOW,
        _ => bail!("the demo's agents know nothing of the task `{task}`"),
    };
    write(files, dir)?;
    Ok(format!("Wrote {}.", files.iter().map(|(path, _)| *path).collect::<Vec<_>>().join(" and ")))
}

/// Writes files with their folders.
pub(super) fn write(files: &[File<'_>], dir: &Path) -> Result<()> {
    for (path, text) in files {
        let path = dir.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The line of a request that names what the answer must be about.
#[derive(Deserialize)]
struct Asked {
    nonce: String,
    files: Vec<String>,
}

fn review(prompt: &str) -> Result<String> {
    let asked = prompt.lines().find_map(|line| line.strip_prefix("REQUEST "));
    let asked: Asked = serde_json::from_str(asked.context("no line says REQUEST")?)?;
    // What a later commit has mended is no finding.
    let difference = prompt.split("what the commits add and take away again").next().unwrap_or(prompt);
    let findings: Vec<Value> = added(difference)
        .flat_map(|(path, line, text)| {
            let faults = sample::FAULTS.iter().filter(move |fault| text.contains(fault.sign));
            faults.map(move |fault| {
                json!({
                    "path": path, "line": line, "severity": fault.severity,
                    "body": fault.body, "suggestion": fault.suggestion,
                })
            })
        })
        .collect();
    let (verdict, summary) = match findings.len() {
        0 => ("APPROVE", "Does what it is meant to do; nothing found."),
        _ => ("REQUEST CHANGES", "Its tests pass, and it is wrong all the same."),
    };
    let answer = json!({
        "nonce": asked.nonce, "verdict": verdict, "summary": summary,
        "files": asked.files, "findings": findings,
    });
    Ok(answer.to_string())
}

/// The added lines of the unified difference in the text: file, line number afterwards, text.
fn added(text: &str) -> impl Iterator<Item = (String, u32, &str)> {
    let (mut file, mut next) = (String::new(), None);
    text.lines().filter_map(move |line| {
        if let Some(path) = line.strip_prefix("+++ b/") {
            (file, next) = (path.to_owned(), None);
        } else if line.starts_with("@@ ") {
            let start = line.split('+').nth(1)?.split([',', ' ']).next()?;
            next = start.parse::<u32>().ok();
        } else if let Some(number) = next {
            match line.chars().next() {
                Some('+') => {
                    next = Some(number + 1);
                    return Some((file.clone(), number, &line[1..]));
                }
                Some(' ') => next = Some(number + 1),
                Some('-' | '\\') => {}
                _ => next = None,
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::review;

    #[test]
    fn a_scripted_reviewer_finds_the_fault_where_it_stands_and_only_there() {
        let request = |line: &str| {
            format!(
                "rules\nREQUEST {{\"nonce\":\"abc\",\"files\":[\"lib/show.sh\"]}}\n\n<<<DATA\ndiff --git a/lib/show.sh \
                 b/lib/show.sh\n--- a/lib/show.sh\n+++ b/lib/show.sh\n@@ -1,2 +1,3 @@\n show() {{\n-  printf '%d.%d'\n\
                 +{line}\n }}\n>>>DATA\n    4 +printf '%d.%d'\n"
            )
        };
        let answer: serde_json::Value =
            serde_json::from_str(&review(&request("  printf '%d.%d'")).unwrap()).unwrap();
        assert_eq!(answer["verdict"], "REQUEST CHANGES");
        assert_eq!(
            (&answer["findings"][0]["path"], &answer["findings"][0]["line"]),
            (&"lib/show.sh".into(), &2.into())
        );
        assert_eq!(answer["findings"].as_array().unwrap().len(), 1);
        let answer: serde_json::Value =
            serde_json::from_str(&review(&request("  printf '%d.%02d'")).unwrap()).unwrap();
        assert_eq!((&answer["verdict"], &answer["nonce"]), (&"APPROVE".into(), &"abc".into()));
    }
}
