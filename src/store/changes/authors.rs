//! Who made one commit: agents by our trailers or their tools' own, else the git author.
//!
//! Tools sign by an address that is theirs (`noreply@anthropic.com`); a name alone proves nothing,
//! since people are called Claude. The name tells the model where the address tells the tool. A
//! tool that lends its voice to other vendors' models counts as a vendor of its own when it does not
//! say whose model it was.

use super::trailer;
use crate::change::{Author, Vendor};
use crate::store::Commit;

/// Addresses (or their ends) by which tools sign: tool, and the vendor of its models.
const TOOLS: &[(&str, &str, &str)] = &[
    ("noreply@anthropic.com", "claude", "anthropic"),
    ("claude[bot]@users.noreply.github.com", "claude", "anthropic"),
    ("@openai.com", "codex", "openai"),
    ("chatgpt-codex-connector[bot]@users.noreply.github.com", "codex", "openai"),
    ("gemini-cli@google.com", "gemini", "google"),
    ("gemini-code-assist[bot]@users.noreply.github.com", "gemini", "google"),
    ("google-labs-jules[bot]@users.noreply.github.com", "jules", "google"),
    ("copilot@users.noreply.github.com", "copilot", "github"),
    ("copilot@github.com", "copilot", "github"),
    ("copilot-swe-agent[bot]@users.noreply.github.com", "copilot", "github"),
    ("cursoragent@cursor.com", "cursor", "cursor"),
    ("aider@aider.chat", "aider", "aider"),
    ("noreply@aider.chat", "aider", "aider"),
    ("qwen-coder@alibabacloud.com", "qwen", "alibaba"),
    ("noreply@opencode.ai", "opencode", "opencode"),
    ("amp@ampcode.com", "amp", "amp"),
    ("devin-ai-integration[bot]@users.noreply.github.com", "devin", "cognition"),
    ("openhands@all-hands.dev", "openhands", "openhands"),
    ("noreply@windsurf.com", "windsurf", "windsurf"),
];

/// Everybody who had a hand in a commit; never empty.
pub(super) fn of(commit: &Commit) -> Vec<Author> {
    let ours = by_our_trailers(commit);
    if !ours.is_empty() {
        return ours;
    }
    let mut authors = vec![by_identity(&commit.author)];
    authors.extend(commit.trailers("Co-authored-by").filter_map(by_address));
    for key in ["Assisted-by", "Generated-by"] {
        authors.extend(commit.trailers(key).filter_map(by_statement));
    }
    authors
}

/// Whose identity `Name <address>` is: a tool's, else a person's.
pub(super) fn by_identity(identity: &str) -> Author {
    let person = || Author { name: identity.to_owned(), vendor: Vendor::person(), model: None };
    by_address(identity).unwrap_or_else(person)
}

/// The agents that we recorded when we committed their work; a squash holds several.
fn by_our_trailers(commit: &Commit) -> Vec<Author> {
    let agents: Vec<&str> = commit.trailers(trailer::AGENT).collect();
    let vendors: Vec<&str> = commit.trailers(trailer::VENDOR).collect();
    let models: Vec<&str> = commit.trailers(trailer::MODEL).collect();
    let agent = |index: usize, vendor: &str| Author {
        name: agents.get(index).copied().unwrap_or(vendor).to_owned(),
        vendor: Vendor::new(vendor),
        // Which model belongs to whom is told only where each has one.
        model: (models.len() == vendors.len()).then(|| models[index].to_owned()),
    };
    vendors.iter().enumerate().map(|(index, vendor)| agent(index, vendor)).collect()
}

/// The tool that signs with the address of `Name <address>`.
fn by_address(person: &str) -> Option<Author> {
    let (name, address) = person.rsplit_once('<')?;
    let address = address.trim_end().trim_end_matches('>').to_lowercase();
    // GitHub puts the account's number before its name: 198982749+Copilot@users.noreply.github.com
    let plain = address.split_once('+').map_or(address.as_str(), |(_, plain)| plain);
    if let Some((_, tool, vendor)) = TOOLS.iter().find(|(end, _, _)| match end.starts_with('@') {
        true => plain.ends_with(end),
        false => plain == *end,
    }) {
        return Some(author(tool, name, vendor));
    }
    // aider signs by adding itself to the person's name.
    name.trim_end().ends_with("(aider)").then(|| author("aider", "", "aider"))
}

/// What a trailer states outright: `Assisted-by: Claude:claude-opus-4`, `Generated-by: codex`.
fn by_statement(value: &str) -> Option<Author> {
    let model = model(value)?;
    let vendor = Vendor::of_model(model)?;
    Some(Author { name: vendor.as_str().to_owned(), vendor, model: Some(model.to_owned()) })
}

fn author(tool: &str, name: &str, vendor: &str) -> Author {
    let model = model(name);
    let vendor = model.and_then(Vendor::of_model).unwrap_or_else(|| Vendor::new(vendor));
    // "Claude" alone is a tool's name, not a model's.
    let model = model.filter(|model| model.contains(|c: char| c.is_ascii_digit()));
    Author { name: tool.to_owned(), vendor, model: model.map(str::to_owned) }
}

/// The word of a text that betrays a model's vendor, the longest one: `aider (gpt-4o)`.
fn model(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | ',' | ';'))
        .filter(|word| Vendor::of_model(word).is_some())
        .max_by_key(|word| word.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::ObjectId;

    fn commit(author: &str, message: &str) -> Commit {
        let id = ObjectId::null(gix::hash::Kind::Sha1);
        let (author, message) = (author.to_owned(), message.to_owned());
        Commit { id, tree: id, parents: Vec::new(), message, author, time: 0 }
    }

    fn vendors(author: &str, message: &str) -> Vec<String> {
        of(&commit(author, message)).iter().map(|author| author.vendor.to_string()).collect()
    }

    const ADA: &str = "Ada <ada@example.com>";

    #[test]
    fn our_own_trailers_say_who_it_was_and_nobody_else_was() {
        let message = "Add x\n\nWhy.\n\nFlow-Agent: mine\nFlow-Vendor: acme\nFlow-Model: m-1\n";
        let authors = of(&commit(ADA, message));
        let acme = Author { name: "mine".into(), vendor: Vendor::new("acme"), model: Some("m-1".into()) };
        assert_eq!(authors, [acme]);
    }

    #[test]
    fn tools_are_known_by_their_addresses_and_models_by_their_names() {
        for (trailer, expected) in [
            ("Claude <noreply@anthropic.com>", "anthropic"),
            ("Claude Sonnet 4.5 <noreply@anthropic.com>", "anthropic"),
            ("Copilot <198982749+Copilot@users.noreply.github.com>", "github"),
            ("Cursor <cursoragent@cursor.com>", "cursor"),
            ("aider (claude-3-7-sonnet) <aider@aider.chat>", "anthropic"),
            ("aider (gpt-4o) <noreply@aider.chat>", "openai"),
            ("Codex <codex@openai.com>", "openai"),
            (
                "gemini-code-assist[bot] <176961590+gemini-code-assist[bot]@users.noreply.github.com>",
                "google",
            ),
        ] {
            let message = format!("Fix\n\nCo-authored-by: {trailer}\n");
            assert_eq!(vendors(ADA, &message), ["person", expected], "{trailer}");
        }
        assert_eq!(vendors("Claude <noreply@anthropic.com>", "Fix\n"), ["anthropic"]);
        assert_eq!(vendors("Ada (aider) <ada@example.com>", "Fix\n"), ["aider"]);
        assert_eq!(
            vendors(ADA, "Fix\n\nAssisted-by: Claude:claude-opus-4 sparse\n"),
            ["person", "anthropic"]
        );
    }

    #[test]
    fn people_stay_people_whatever_they_are_called() {
        assert_eq!(vendors("Claude Dupont <claude@dupont.fr>", "Fix\n"), ["person"]);
        assert_eq!(vendors(ADA, "Fix\n\nCo-authored-by: Claude Dupont <claude@dupont.fr>\n"), ["person"]);
        assert_eq!(vendors(ADA, "Fix\n\nReviewed-by: Claude <noreply@anthropic.com>\n"), ["person"]);
        assert_eq!(vendors(ADA, "Co-authored-by: Claude <noreply@anthropic.com>"), ["person"], "a subject");
    }
}
