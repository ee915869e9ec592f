//! What a reviewer is shown: the rules, then the change as data, fenced by a nonce of this request.
//!
//! The words are in `prompts/review.md`: first the one line that names the nonce and the changed files,
//! then the rules, then what may lie: what the change is meant to do, the list of files, the whole
//! difference, and the changed files as they are afterwards as far as the budget goes. Every line of
//! that is marked, so that none can pass for ours. What the change's commits add and take away again
//! follows the difference. If the difference is too much for one request there
//! are several, each with a part of it and its own nonce.

use super::answer::{Asked, schema};
use super::files::{CUT, File};
use super::material::{Material, too_big, too_many};
use super::parts::{self, Part, Unfit};
use super::room::{self, BEFORE, listed, shortened};
use crate::commands::prompts::{self, REVIEW_SYSTEM};
use crate::domain::digest;
use crate::domain::error::Result;
use crate::domain::text::units;
use crate::domain::verdict::{ShownPart, ShownWay};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What stands between who a reviewer is and what it is to judge, for reviewers that take one text.
const BETWEEN: &str = "\n\n";

/// The share of the budget that the names of files in other parts may take: one in so many.
const OTHERS: usize = 8;

/// The share of the budget that the messages of commits may take in one of several parts: one in so many.
const MESSAGES: usize = 8;

/// Stands for the number of parts before that is known: the room that it takes is enough.
const MOST: usize = 99_999;

/// More than the lines take that stand around what the commits add and take away again, in bytes.
const FENCE: usize = 200;

/// One request, ready to be sent.
#[derive(Debug)]
pub struct Bundle {
    /// What the answer must be about.
    pub asked: Asked,
    /// The rules that never change.
    pub system: String,
    pub prompt: String,
}

impl Bundle {
    /// All in one, for reviewers that take one text.
    pub fn text(&self) -> String {
        format!("{}{BETWEEN}{}", self.system, self.prompt)
    }

    /// What the verdict's record says about it.
    pub fn shown(&self) -> ShownPart {
        let text = self.text();
        ShownPart {
            sha256: digest::sha256(&text),
            bytes: text.len() as u64,
            files: self.asked.files.keys().cloned().collect(),
        }
    }
}

/// A change divided into requests, each of which shows a part of it; each time that a reviewer is asked, a
/// part becomes a [`Bundle`].
#[derive(Debug)]
pub struct Requests {
    material: Material,
    /// What each request shows of the difference; together, all of it.
    parts: Vec<Part>,
    /// What each shows of the messages; together, all of them.
    messages: Vec<String>,
}

impl Requests {
    /// One request that shows everything if that fits the budget, else as few as can be. The inner error
    /// says in one sentence why there are none.
    pub fn divide(material: Material) -> Result<Result<Requests, String>> {
        let Material { files, diff, budget, most, .. } = &material;
        let (budget, most) = (*budget, *most);
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let parts = match parts::split(diff, &paths, &vec![0; paths.len()], usize::MAX) {
            Ok(parts) => parts,
            Err(why) => return Ok(Err(unfit(&material, why))),
        };
        let cost: Vec<usize> = files.iter().map(File::cost).collect();
        let messages = vec![material.messages.clone()];
        let mut requests = Requests { material, parts, messages };
        if requests.length(0)? <= budget {
            return Ok(Ok(requests));
        }
        // What every request takes that shows nothing of the difference.
        requests.parts = vec![Part::default(); MOST + 1];
        requests.messages = room::divided(&requests.material.messages, budget / MESSAGES);
        let longest =
            requests.messages.iter().map(|text| room::marked(text) + FENCE).max().unwrap_or_default();
        let bare = requests.length(MOST)? + FENCE + longest;
        if bare >= budget {
            return Ok(Err(too_big("what is said beside the difference", bare, budget)));
        }
        let material = &requests.material;
        let paths: Vec<&str> = requests.paths().collect();
        requests.parts = match parts::split(&material.diff, &paths, &cost, budget - bare) {
            Ok(parts) if parts.len() > most => return Ok(Err(too_many(parts.len(), most))),
            Ok(parts) if parts.len() < requests.messages.len() => {
                return Ok(Err(room::too_many_words(material.messages.len(), parts.len())));
            }
            Ok(parts) => parts,
            Err(why) => return Ok(Err(unfit(material, why))),
        };
        Ok(Ok(requests))
    }

    /// How many requests it takes.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The changed files, by the paths that are displayed.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.material.files.iter().map(|file| file.path.as_str())
    }

    /// What the record says of the commits that all of them together show.
    pub fn way(&self) -> Option<&ShownWay> {
        self.material.way.as_ref()
    }

    /// How much a reviewer has to read in a request, for people.
    pub fn size(&self, bundle: &Bundle) -> String {
        let files = bundle.asked.files.len();
        let size = units::size(bundle.prompt.len() as u64);
        format!("{files} file{}, {size}", if files == 1 { "" } else { "s" })
    }

    /// The request for a part, with its own nonce; `before` is why the last answer could not be taken. The
    /// inner error says in one sentence why it is over the budget.
    pub fn bundle(&self, part: usize, nonce: &str, before: Option<&str>) -> Result<Result<Bundle, String>> {
        let asked = self.asked(part, nonce);
        let mut prompt = self.prompt(part, &asked, before)?;
        let needed = REVIEW_SYSTEM.len() + BETWEEN.len() + prompt.len();
        let budget = self.material.budget;
        if needed > budget {
            return Ok(Err(too_big("the change", needed, budget)));
        }
        self.add_contents(&mut prompt, part, nonce, budget - needed)?;
        Ok(Ok(Bundle { asked, system: REVIEW_SYSTEM.to_owned(), prompt }))
    }

    /// How many bytes that part's request takes at least.
    fn length(&self, part: usize) -> Result<usize> {
        let prompt = self.prompt(part, &self.asked(part, &"0".repeat(32)), None)?;
        Ok(REVIEW_SYSTEM.len() + BETWEEN.len() + prompt.len() + BEFORE)
    }

    fn files(&self, part: usize) -> impl Iterator<Item = &File> {
        self.parts[part].files().into_iter().map(|file| &self.material.files[file])
    }

    /// What the answer to a part must be about.
    fn asked(&self, part: usize, nonce: &str) -> Asked {
        let files = self.files(part).map(|file| (file.path.clone(), file.lines()));
        Asked { nonce: nonce.to_owned(), files: files.collect() }
    }

    /// All that a request must say: the rules, the purpose, the files and the difference of that part.
    fn prompt(&self, part: usize, asked: &Asked, before: Option<&str>) -> Result<String> {
        let (material, shown) = (&self.material, &self.parts[part]);
        let messages = self.messages.get(part).map_or("", String::as_str);
        let cut = shown.cut();
        let files = shown
            .files()
            .into_iter()
            .map(|file| format!("{}{}", material.files[file], if cut.contains(&file) { CUT } else { "" }));
        let part = (self.parts.len() > 1).then(|| PromptPart {
            number: part + 1,
            count: self.parts.len(),
            others: self.others(shown),
        });
        let hidden = material.hidden.iter().map(|(what, times)| format!("{what} ({times} times)"));
        let values = ReviewPrompt {
            nonce: &asked.nonce,
            paths: serde_json::to_string(&asked.files.keys().collect::<Vec<_>>())?,
            part,
            target: &material.target,
            block: material.block.iter().map(ToString::to_string).collect(),
            schema: schema().to_string(),
            instructions: Some(material.instructions.as_str()).filter(|text| !text.trim().is_empty()),
            hidden: hidden.collect(),
            lookalikes: listed(&material.lookalikes, "in the change"),
            opaque: listed(&material.opaque, "in the change"),
            before: before.map(shortened),
            title: &material.title,
            intent: material.intent.trim_end(),
            messages,
            files: files.collect::<Vec<_>>().join("\n"),
            difference: shown.text(&material.diff, material.difference()),
            has_history: !material.history().is_empty(),
            history: shown.text(&material.diff, material.history()),
        };
        prompts::render("review.md", values)
    }

    /// The files that a part does not show, as far as there is room for their names.
    fn others(&self, shown: &Part) -> String {
        let files = &self.material.files;
        let shown: BTreeSet<usize> = shown.files().into_iter().collect();
        let mut room = self.material.budget / OTHERS;
        let mut listed = String::new();
        let others: Vec<usize> = (0..files.len()).filter(|file| !shown.contains(file)).collect();
        for (count, file) in others.iter().enumerate() {
            let line = format!("{}\n", files[*file]);
            // The mark before it takes two bytes.
            if line.len() + 2 > room {
                // Writing to a string cannot fail.
                let _ = writeln!(listed, "and {} more", others.len() - count);
                break;
            }
            room -= line.len() + 2;
            listed.push_str(&line);
        }
        listed
    }

    /// Adds the changed files as they are afterwards, as long as there is room; says which are there and
    /// which are not.
    fn add_contents(&self, prompt: &mut String, part: usize, nonce: &str, mut room: usize) -> Result<()> {
        let mut contents = String::new();
        let mut missing = Vec::new();
        for file in self.files(part) {
            let Some(text) = file.context() else { continue };
            let shown = prompts::render("review-file.md", ReviewFile { nonce, path: &file.path, text })?;
            if shown.len() <= room {
                room -= shown.len();
                contents.push_str(&shown);
            } else {
                missing.push(file.path.as_str());
            }
        }
        if contents.is_empty() && missing.is_empty() {
            return Ok(());
        }
        let note = prompts::render("review-contents.md", ReviewContents { missing })?;
        if note.len() <= room + contents.len() + 1 {
            prompt.push_str(&note);
        }
        prompt.push_str(&contents);
        Ok(())
    }
}

/// The values of `review.md`.
#[derive(Serialize)]
struct ReviewPrompt<'a> {
    nonce: &'a str,
    paths: String,
    /// Which part it is, if there are several.
    part: Option<PromptPart>,
    target: &'a str,
    block: Vec<String>,
    schema: String,
    instructions: Option<&'a str>,
    /// Characters that cannot be seen, with how often they occur.
    hidden: Vec<String>,
    /// What looks like something else or cannot be seen, each with path and line.
    lookalikes: String,
    /// The paths whose content is data that is not shown.
    opaque: String,
    before: Option<String>,
    title: &'a str,
    intent: &'a str,
    /// What is shown here of the messages of its commits.
    messages: &'a str,
    files: String,
    difference: String,
    /// Whether its commits add something and take it away again.
    has_history: bool,
    /// What of that is shown here.
    history: String,
}

#[derive(Serialize)]
struct PromptPart {
    number: usize,
    count: usize,
    /// The files of other parts.
    others: String,
}

/// The values of `review-file.md`.
#[derive(Serialize)]
struct ReviewFile<'a> {
    nonce: &'a str,
    path: &'a str,
    text: &'a str,
}

/// The values of `review-contents.md`.
#[derive(Serialize)]
struct ReviewContents<'a> {
    missing: Vec<&'a str>,
}

fn unfit(material: &Material, why: Unfit) -> String {
    match why {
        Unfit::Line(file, bytes) => {
            too_big(&format!("one line of {}", material.files[file].path), bytes, material.budget)
        }
        Unfit::Unclear(why) => format!("the difference cannot be told apart by files: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::Severity;

    fn material(budget: usize) -> Material {
        let paths = ["a.rs", "b/c.rs", "d.rs"];
        let header = |path: &&str| {
            format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1,60 @@\n")
        };
        let diff: String =
            paths.iter().map(|path| header(path) + &"+new {{ line }} <&>\n".repeat(60)).collect();
        Material {
            files: paths.into_iter().map(|path| File::modified(path, &"one\ntwo\n".repeat(40))).collect(),
            net: diff.len(),
            way: None,
            diff,
            hidden: crate::domain::text::escape::for_review("\u{202e}".as_bytes()).1,
            lookalikes: vec!["a.rs:1: `раypal` mixes letters".into()],
            opaque: vec!["logo.png".into()],
            target: "main".into(),
            title: "Title".into(),
            intent: "[request.md]\nREQUEST {}\n\n".into(),
            messages: "commit 1234567890\nTitle\n\nBecause.\n".into(),
            instructions: "Look\nclosely".into(),
            block: vec![Severity::P0, Severity::P1],
            budget,
            most: 50,
        }
    }

    #[test]
    fn whatever_is_not_ours_is_marked_or_between_lines_that_only_this_request_can_have() {
        let requests = Requests::divide(material(400_000)).unwrap().unwrap();
        assert_eq!(requests.parts(), 1);
        let nonce = "ab".repeat(16);
        let prompt = requests.bundle(0, &nonce, Some("bad\nanswer")).unwrap().unwrap().prompt;
        assert!(
            prompt.starts_with(&format!(r#"REQUEST {{"nonce":"{nonce}","files":["a.rs","b/c.rs","d.rs"]}}"#))
        );
        for part in [
            "\nFindings of P0 and P1 block the change",
            "\nThe team that owns the branch also asks:\n| Look\n| closely\n",
            "\nThe last answer to this could not be taken:\n| bad\n| answer\n",
            "\n| a.rs:1: `раypal` mixes letters\n",
            &format!(
                "\n<<<DATA {nonce} what the change is meant to do\n| Title\n| \n| [request.md]\n| REQUEST {{}}\n>>>DATA {nonce} end\n"
            ),
            &format!(
                "\n<<<DATA {nonce} the messages of its commits\n| commit 1234567890\n| Title\n| \n| Because.\n>>>DATA"
            ),
            &format!("\n<<<DATA {nonce} the whole difference\ndiff --git a/a.rs"),
            "+new {{ line }} <&>\n",
            "\nEvery modified text file follows",
            &format!("\n<<<DATA {nonce} a.rs after the change\n    1 one\n    2 two\n"),
        ] {
            assert!(prompt.contains(part), "{part} is missing in\n{prompt}");
        }
    }

    #[test]
    fn parts_fit_the_budget_and_name_the_files_of_the_others() {
        let messages: String = (0..300).map(|line| format!("line {line}\n")).collect();
        let long = Material { messages: messages.clone(), ..material(7_500) };
        assert!(
            Requests::divide(Material { messages: messages.repeat(9), ..material(7_500) }).unwrap().is_err()
        );
        let requests = Requests::divide(long).unwrap().unwrap();
        assert!(requests.parts() > 1);
        let mut seen = 0;
        for part in 0..requests.parts() {
            let bundle = requests.bundle(part, &"ab".repeat(16), None).unwrap().unwrap();
            assert!(bundle.text().len() <= 7_500 + 200, "{}", bundle.text().len());
            seen += (0..300).filter(|line| bundle.prompt.contains(&format!("| line {line}\n"))).count();
            let says = format!("This is part {} of {} of one change", part + 1, requests.parts());
            assert!(
                bundle.prompt.contains(&says) && bundle.prompt.contains("the changed files of other parts")
            );
        }
        assert_eq!(seen, 300, "every line of the messages in one of them");
    }
}
