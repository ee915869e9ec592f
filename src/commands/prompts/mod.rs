//! What models are told, as Markdown templates in this folder: change a prompt by editing its file.
//!
//! | file | who reads it |
//! |---|---|
//! | `task.md` | an agent that does a task of a plan |
//! | `draft.md` | an agent that drafts a document of a spec |
//! | `review-system.md`, `review.md` | a reviewer: who it is, and what it is to judge |
//! | `review-file.md`, `review-contents.md` | the same reviewer: changed files as far as there is room |
//! | `intent.md`, `documents.md`, `data.md` | parts of the above |
//!
//! `{{ name }}` stands for a value, `{% if name %}` and `{% for one in name %}` choose and repeat, and a
//! line with only such a tag leaves no line behind (the syntax is Jinja's). Values are never read as
//! templates. A name that does not exist is an error, and tests fail for a value that no template uses.
//! The templates are here and not beside the built-in workflows, because a team may replace a workflow,
//! and nothing in a repository may replace what its judge is told.

use crate::domain::digest;
use crate::domain::error::Result;
use crate::domain::spec::Spec;
use crate::domain::text::escape;
use anyhow::Context;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;
use std::sync::LazyLock;

/// The templates by name.
const TEMPLATES: &[(&str, &str)] = &[
    ("data.md", include_str!("data.md")),
    ("documents.md", include_str!("documents.md")),
    ("draft.md", include_str!("draft.md")),
    ("intent.md", include_str!("intent.md")),
    ("review-contents.md", include_str!("review-contents.md")),
    ("review-file.md", include_str!("review-file.md")),
    ("review.md", include_str!("review.md")),
    ("task.md", include_str!("task.md")),
];

/// Who a reviewer is, apart from what it is to judge.
pub const REVIEW_SYSTEM: &str = include_str!("review-system.md").trim_ascii_end();

static ENVIRONMENT: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(environment);

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?,
    );
    environment.add_filter("trim_end", |text: &str| text.trim_end().to_owned());
    environment.add_filter("trim_newlines", |text: &str| text.trim_end_matches('\n').to_owned());
    environment.add_filter("marked", marked);
    environment.add_filter("visible", |text: &str| escape::for_review(text.as_bytes()).0);
    environment.add_filter("numbered", numbered);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// The text with a mark before every line, so that none of them can pass for a line of ours.
fn marked(text: &str) -> String {
    text.lines().map(|line| format!("| {line}")).collect::<Vec<_>>().join("\n")
}

fn numbered(text: &str) -> String {
    let lines = text.lines().enumerate().map(|(index, line)| format!("{:>5} {line}", index + 1));
    lines.collect::<Vec<_>>().join("\n")
}

/// The text of a template with these values.
pub fn render(template: &str, values: impl Serialize) -> Result<String> {
    let values = Value::from(Serde(values));
    #[cfg(test)]
    tests::refuse_unused(template, &values);
    let environment = ENVIRONMENT.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let text = environment.get_template(template).and_then(|template| template.render(values));
    text.with_context(|| format!("cannot write the prompt {template}"))
}

/// What the lines around data hold: 32 hex digits that no text which was written before can have.
pub fn nonce() -> Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(digest::hex(&bytes))
}

/// A spec's documents but these, each under its name; the name begins with the folder if models find the
/// documents there.
pub fn documents(spec: &Spec, without: &[&str], folder: Option<&str>) -> Result<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        name: String,
        text: &'a str,
    }
    #[derive(Serialize)]
    struct Documents<'a> {
        documents: Vec<Document<'a>>,
    }
    let wanted = spec.documents.iter().filter(|(name, _)| !without.contains(&name.as_str()));
    let named = wanted.map(|(name, text)| Document {
        name: folder.map_or_else(|| name.clone(), |folder| format!("{folder}/{name}")),
        text,
    });
    let text = render("documents.md", Documents { documents: named.collect() })?;
    Ok(text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// Every prompt that any test renders uses all its values.
    pub fn refuse_unused(template: &str, values: &Value) {
        let environment = environment().expect("the templates can be read");
        let used = environment.get_template(template).expect("it exists").undeclared_variables(false);
        let given: Vec<String> = values.try_iter().expect("a struct").map(|key| key.to_string()).collect();
        let unused: Vec<&String> = given.iter().filter(|key| !used.contains(*key)).collect();
        assert!(unused.is_empty(), "{template} does not use {unused:?}");
    }

    #[test]
    fn every_template_in_the_folder_is_known_and_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/prompts");
        let files =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<String> = files.filter(|name| name.ends_with(".md")).collect();
        let known = TEMPLATES.iter().map(|(name, _)| (*name).to_owned());
        assert_eq!(known.chain(["review-system.md".to_owned()]).collect::<BTreeSet<_>>(), files);
        environment().unwrap();
        assert!(!REVIEW_SYSTEM.contains(['{', '\n']), "it has no placeholders, and is one paragraph");
    }

    #[test]
    fn a_placeholder_without_a_value_is_an_error_wherever_it_stands() {
        let document = |field: &str| serde_json::json!({"documents": [{field: "x", "text": "y"}]});
        assert!(render("documents.md", document("name")).is_ok());
        assert!(render("documents.md", document("nam")).is_err());
    }

    #[test]
    #[should_panic(expected = "does not use [\"extra\"]")]
    fn a_value_without_a_placeholder_is_noticed() {
        let _ = render("documents.md", serde_json::json!({"documents": [], "extra": 1}));
    }

    #[test]
    fn values_are_never_read_as_templates() {
        let values = serde_json::json!({"documents": [{"name": "{{ x }}", "text": "{% if %}<&>"}]});
        assert_eq!(render("documents.md", values).unwrap(), "[{{ x }}]\n{% if %}<&>\n\n");
    }
}
