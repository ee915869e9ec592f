//! Whose an identity `Name <address>` is: an agent's, else a person's.
//!
//! An address decides where it is a tool's own (`noreply@anthropic.com`), or where its first part is the name
//! of models at their maker's (`claude@anthropic.com`). Otherwise the name does, or such a first part alone,
//! if every word of it belongs to agents and one of them names a tool or its models: `Claude Code`,
//! `claude-code`, `Claude Opus 4.5`, `OpenAI Codex CLI`. A given name alone is a person's, and so is one with
//! a family name behind it: people are called Claude, Jules and Devin. The name tells the model where the
//! address tells the tool.

use super::tools::tools;
use crate::domain::change::{Author, Vendor};
use crate::domain::presets::{self, Preset};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that stand beside an agent's name or its model's, and are nobody's family name.
const BESIDE: &[&str] = &[
    "action",
    "actions",
    "agent",
    "agents",
    "ai",
    "app",
    "assist",
    "assistant",
    "auto",
    "bot",
    "chat",
    "cli",
    "code",
    "coder",
    "coding",
    "connector",
    "context",
    "fast",
    "flash",
    "github",
    "instruct",
    "integration",
    "large",
    "lite",
    "llm",
    "mini",
    "model",
    "nano",
    "plus",
    "preview",
    "pro",
    "reasoning",
    "robot",
    "swe",
    "thinking",
    "tool",
    "turbo",
];

/// Names that were made for models and for tools without a preset, so that nobody bears one.
const COINED: &[&str] = &["chatgpt", "deepseek", "gpt", "openhands"];

/// Whose identity `Name <address>` is: a tool's, else a person's.
pub(crate) fn by_identity(identity: &str) -> Author {
    let person = || Author { name: identity.to_owned(), vendor: Vendor::person(), model: None };
    by_address(identity).unwrap_or_else(person)
}

/// Whether an identity is a person's: no agent's that we know, and no bot's, as GitHub marks them.
pub fn is_person(identity: &str) -> bool {
    by_identity(identity).vendor.is_person() && !identity.to_lowercase().contains("[bot]")
}

/// The tool that signs with the address or the name of `Name <address>`.
pub(super) fn by_address(person: &str) -> Option<Author> {
    let (name, address) = person.rsplit_once('<')?;
    let address = address.trim_end().trim_end_matches('>').to_lowercase();
    // GitHub puts the account's number before its name: 198982749+Copilot@users.noreply.github.com
    let plain = address.split_once('+').map_or(address.as_str(), |(_, plain)| plain);
    if let Some((_, tool, vendor)) = tools().find(|(own, _, _)| match own.starts_with('@') {
        true => plain.ends_with(own),
        false => plain == *own,
    }) {
        return Some(author(tool, name, vendor));
    }
    let is_by = |preset: &&Preset| preset.name_suffix.is_some_and(|suffix| name.trim_end().ends_with(suffix));
    if let Some(preset) = presets::ALL.iter().find(is_by) {
        return Some(author(preset.name, "", preset.vendor));
    }
    by_name(name).or_else(|| by_mailbox(name, plain))
}

/// The tool whose name that is, or stands in brackets behind a person's: `Ada (Claude Code)`.
pub(super) fn by_name(name: &str) -> Option<Author> {
    let in_brackets = name.trim_end().strip_suffix(')').and_then(|name| name.rsplit_once('('));
    named(name, true).or_else(|| named(in_brackets?.1, true))
}

/// The tool that the first part of an address names, at its maker's or by more than one word.
fn by_mailbox(name: &str, address: &str) -> Option<Author> {
    let (mailbox, domain) = address.rsplit_once('@')?;
    let first = words(mailbox).into_iter().next()?;
    let maker = family(&first).filter(|maker| domain.split('.').any(|label| label == maker.as_str()));
    let at_maker = maker.map(|maker| author(&first, name, Some(maker.as_str())));
    at_maker.or_else(|| named(mailbox, false))
}

/// The tool or family of models that a name consists of. One word is enough if it was made for that, and
/// `may_be_one` says so.
fn named(name: &str, may_be_one: bool) -> Option<Author> {
    let words = words(name);
    let is_enough = may_be_one && matches!(&words[..], [one] if is_coined(one));
    if !is_enough && (words.len() < 2 || !words.iter().all(|word| is_of_agents(word))) {
        return None;
    }
    let tool = words.iter().find_map(|word| {
        let tool = tools().find(|(_, tool, _)| tool == word);
        tool.map(|(_, tool, vendor)| author(tool, name, vendor))
    });
    tool.or_else(|| words.iter().find_map(|word| Some(author(word, name, Some(family(word)?.as_str())))))
}

/// Whether nobody but a tool or a model is called that.
fn is_coined(word: &str) -> bool {
    COINED.contains(&word) || presets::ALL.iter().any(|preset| preset.is_coined && preset.name == word)
}

/// Whether a word stands in names of agents: a tool's, a family's of models, their maker's, a version.
fn is_of_agents(word: &str) -> bool {
    static MAKERS: LazyLock<HashSet<String>> =
        LazyLock::new(|| Vendor::known().map(|maker| maker.as_str().to_owned()).collect());
    BESIDE.contains(&word)
        || word.contains(|c: char| c.is_ascii_digit())
        || MAKERS.contains(word)
        || family(word).is_some()
        || tools().any(|(_, tool, _)| tool == word)
}

/// Who makes the models of that family.
fn family(word: &str) -> Option<Vendor> {
    let maker = Vendor::new(word);
    if maker.as_str() == word { Vendor::from_model(word) } else { Some(maker) }
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// A tool whose words may betray the model that it ran.
pub(super) fn author(tool: &str, words: &str, vendor: Option<&str>) -> Author {
    let model = model(words);
    let told = model.and_then(Vendor::from_model).or_else(|| vendor.map(Vendor::new));
    // "Claude" alone is a tool's name, not a model's.
    let model = model.filter(|model| model.contains(|c: char| c.is_ascii_digit()));
    let vendor = told.unwrap_or_else(Vendor::unknown);
    Author { name: tool.to_owned(), vendor, model: model.map(str::to_owned) }
}

/// The word of a text that betrays a model's vendor, the longest one: `aider (gpt-4o)`.
pub(super) fn model(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | ',' | ';' | '"'))
        .map(|word| word.trim_matches(':'))
        .filter(|word| Vendor::from_model(word).is_some())
        .max_by_key(|word| word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_only_agents_have_is_an_agents_whatever_its_address() {
        for (identity, vendor) in [
            ("Claude Code <dev@example.com>", "anthropic"),
            ("claude-code <root@localhost>", "anthropic"),
            ("Claude Opus 4.5 <agent@example.com>", "anthropic"),
            ("Claude Opus 4.7 (1M context) <dev@example.com>", "anthropic"),
            ("Claude AI <ai@example.com>", "anthropic"),
            ("claude-bot <bot@example.com>", "anthropic"),
            ("Anthropic Claude <x@example.com>", "anthropic"),
            ("claude-sonnet-4-5 <x@example.com>", "anthropic"),
            ("Bot <claude@anthropic.com>", "anthropic"),
            ("Bot <claude-code@anthropic.com>", "anthropic"),
            ("Builder <claude-code@builders.example.com>", "anthropic"),
            ("Ada (Claude Code) <ada@example.com>", "anthropic"),
            ("OpenAI Codex <x@example.com>", "openai"),
            ("Codex CLI <root@localhost>", "openai"),
            ("Codex <root@localhost>", "openai"),
            ("ChatGPT <x@example.com>", "openai"),
            ("gpt-5-codex <x@example.com>", "openai"),
            ("Gemini CLI <root@localhost>", "google"),
            ("Google Gemini <x@example.com>", "google"),
            ("gemini-2.5-pro <x@example.com>", "google"),
            ("Qwen Code <x@example.com>", "alibaba"),
            ("Cursor Agent <x@example.com>", "unknown"),
            ("GitHub Copilot <x@example.com>", "unknown"),
            ("Devin AI <x@example.com>", "unknown"),
            ("GitHub Copilot (Claude Sonnet 4.5) <x@example.com>", "anthropic"),
        ] {
            assert_eq!(by_identity(identity).vendor.as_str(), vendor, "{identity}");
            assert!(!is_person(identity), "{identity}");
        }
    }

    #[test]
    fn people_share_names_with_agents() {
        for identity in [
            "Claude <claude@example.org>",
            "Claude Monet <claude@example.org>",
            "Claude Dupont <claude@dupont.fr>",
            "Claude-Henri Lacoste <ch@example.org>",
            "Claude Max <claude.max@example.org>",
            "Jean-Claude <jc@example.org>",
            "Claude Shannon <claude@openai.example>",
            "Devin Code-Smith <devin@example.org>",
            "Devin <devin@example.org>",
            "Jules Verne <jules@example.org>",
            "Jules <jules@example.org>",
            "Gemini Jones <gemini@example.org>",
            "amp <amp@example.org>",
            "crush <crush@example.org>",
            "Ada <ada@anthropic.com>",
            "Release Bot <bot@example.org>",
            "Code AI <x@example.org>",
            "Ada <claude.ada@example.org>",
            "Ada (she/her) <ada@example.org>",
            "4chan <x@example.org>",
            "",
        ] {
            assert!(by_identity(identity).vendor.is_person(), "{identity}");
        }
    }
}
