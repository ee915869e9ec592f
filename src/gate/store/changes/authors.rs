//! Who made one commit: agents by our trailers or their tools' own, else the git author.
//!
//! Tools sign by an address that is theirs (`noreply@anthropic.com`); a name alone proves nothing,
//! since people are called Claude. The name tells the model where the address tells the tool. A
//! tool that lends its voice to other vendors' models and does not say whose model it was is of an
//! unknown vendor, unless another trailer of the same commit states the model outright.

use super::trailer;
use crate::domain::change::{Author, Vendor};
use crate::domain::presets::{self, Preset};
use crate::gate::store::Commit;

/// Tools that sign and that are not presets: the address, the tool, and the vendor of its models if
/// it has only one.
const OTHER_TOOLS: &[(&str, &str, Option<&str>)] = &[
    ("google-labs-jules[bot]@users.noreply.github.com", "jules", Some("google")),
    ("amp@ampcode.com", "amp", None),
    ("devin-ai-integration[bot]@users.noreply.github.com", "devin", None),
    ("openhands@all-hands.dev", "openhands", None),
    ("noreply@windsurf.com", "windsurf", None),
];

/// All tools that sign.
fn tools() -> impl Iterator<Item = (&'static str, &'static str, Option<&'static str>)> {
    let presets = presets::ALL
        .iter()
        .flat_map(|preset| preset.addresses.iter().map(|address| (*address, preset.name, preset.vendor)));
    presets.chain(OTHER_TOOLS.iter().copied())
}

/// The trailers by which people and tools state the model outright.
const STATEMENTS: [&str; 2] = ["Assisted-by", "Generated-by"];

/// Everybody who had a hand in a commit; never empty.
pub(super) fn from_commit(commit: &Commit) -> Vec<Author> {
    let mut authors = by_our_trailers(commit);
    let co_authors = commit.said("Co-authored-by").into_iter().filter_map(|person| by_address(&person));
    if !authors.is_empty() {
        // Of the run's own agents we know more than their tools say; of others that came later we do not.
        for other in co_authors {
            if !other.vendor.is_unknown() && authors.iter().all(|author| author.vendor != other.vendor) {
                authors.push(other);
            }
        }
        return authors;
    }
    authors.push(by_identity(&commit.author));
    authors.extend(co_authors);
    let statements = STATEMENTS.iter().flat_map(|key| commit.said(key));
    for stated in statements.filter_map(|statement| stated(&statement)) {
        add_stated(&mut authors, stated);
    }
    authors
}

/// Adds an author who states a model, or lets the statement say whose model an unknown one ran: the
/// tool that it names, or where it names none the only one.
pub(crate) fn add_stated(authors: &mut Vec<Author>, stated: Author) {
    let unknown: Vec<usize> = (0..authors.len()).filter(|at| authors[*at].vendor.is_unknown()).collect();
    let named = unknown.iter().find(|at| authors[**at].name == stated.name);
    let only = unknown.first().filter(|_| unknown.len() == 1 && stated.name == stated.vendor.as_str());
    match named.or(only) {
        Some(at) => authors[*at] = Author { name: authors[*at].name.clone(), ..stated },
        None if authors.contains(&stated) => {}
        None => authors.push(stated),
    }
}

/// What states a model outright: `claude-opus-4`, `Copilot:gpt-5`, `Claude:claude-opus-4 coccinelle`. A
/// tool that has several vendors' models and states none is of an unknown vendor.
pub(crate) fn stated(text: &str) -> Option<Author> {
    let first = text.split_whitespace().next().unwrap_or_default();
    let (tool, named) = first.split_once(':').unwrap_or((first, ""));
    let tool = tool.to_lowercase();
    if let Some((_, tool, vendor)) = tools().find(|(_, name, _)| *name == tool) {
        return Some(author(tool, text.get(tool.len()..).unwrap_or_default(), vendor));
    }
    if !named.is_empty() && !named.starts_with("//") {
        let vendor = Vendor::from_model(named).unwrap_or_else(Vendor::unknown);
        return Some(Author { name: tool, vendor, model: Some(named.to_owned()) });
    }
    let model = model(text)?;
    let vendor = Vendor::from_model(model)?;
    Some(Author { name: vendor.as_str().to_owned(), vendor, model: Some(model.to_owned()) })
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
    if let Some((_, tool, vendor)) = tools().find(|(own, _, _)| match own.starts_with('@') {
        true => plain.ends_with(own),
        false => plain == *own,
    }) {
        return Some(author(tool, name, vendor));
    }
    let is_by = |preset: &&Preset| preset.name_suffix.is_some_and(|suffix| name.trim_end().ends_with(suffix));
    presets::ALL.iter().find(is_by).map(|preset| author(preset.name, "", preset.vendor))
}

/// A tool whose words may betray the model that it ran.
fn author(tool: &str, words: &str, vendor: Option<&str>) -> Author {
    let model = model(words);
    let told = model.and_then(Vendor::from_model).or_else(|| vendor.map(Vendor::new));
    // "Claude" alone is a tool's name, not a model's.
    let model = model.filter(|model| model.contains(|c: char| c.is_ascii_digit()));
    let vendor = told.unwrap_or_else(Vendor::unknown);
    Author { name: tool.to_owned(), vendor, model: model.map(str::to_owned) }
}

/// The word of a text that betrays a model's vendor, the longest one: `aider (gpt-4o)`.
fn model(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | ',' | ';' | '"'))
        .map(|word| word.trim_matches(':'))
        .filter(|word| Vendor::from_model(word).is_some())
        .max_by_key(|word| word.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::ObjectId;

    fn commit(author: &str, message: &str) -> Commit {
        let id = ObjectId::null(gix::hash::Kind::Sha1);
        let (author, message) = (author.to_owned(), message.to_owned());
        Commit { id, tree: id, parents: Vec::new(), message, committer: author.clone(), author, time: 0 }
    }

    fn vendors(author: &str, message: &str) -> Vec<String> {
        from_commit(&commit(author, message)).iter().map(|author| author.vendor.to_string()).collect()
    }

    const ADA: &str = "Ada <ada@example.com>";

    #[test]
    fn our_own_trailers_say_who_it_was_and_nobody_else_was() {
        let message = "Add x\n\nWhy.\n\nFlow-Agent: mine\nFlow-Vendor: acme\nFlow-Model: m-1\n";
        let authors = from_commit(&commit(ADA, message));
        let acme = Author { name: "mine".into(), vendor: Vendor::new("acme"), model: Some("m-1".into()) };
        assert_eq!(authors, [acme]);
    }

    #[test]
    fn tools_are_known_by_their_addresses_and_models_by_their_names() {
        for (trailer, expected) in [
            ("Claude <noreply@anthropic.com>", "anthropic"),
            ("Claude Sonnet 4.5 <noreply@anthropic.com>", "anthropic"),
            ("Copilot <198982749+Copilot@users.noreply.github.com>", "unknown"),
            ("Cursor <cursoragent@cursor.com>", "unknown"),
            ("Amp <amp@ampcode.com>", "unknown"),
            ("openhands <openhands@all-hands.dev>", "unknown"),
            ("aider (openrouter/auto) <aider@aider.chat>", "unknown"),
            ("Copilot (gpt-5) <198982749+Copilot@users.noreply.github.com>", "openai"),
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
        assert_eq!(vendors("Ada (aider) <ada@example.com>", "Fix\n"), ["unknown"]);
        assert_eq!(
            vendors(ADA, "Fix\n\nAssisted-by: Claude:claude-opus-4 sparse\n"),
            ["person", "anthropic"]
        );
    }

    #[test]
    fn a_trailer_that_states_the_model_says_whose_it_was() {
        let copilot = "Co-authored-by: Copilot <copilot@github.com>";
        let cursor = "Co-authored-by: Cursor <cursoragent@cursor.com>";
        for (trailers, expected) in [
            (format!("{copilot}\nAssisted-by: Copilot:gpt-5"), vec!["person", "openai"]),
            (format!("{copilot}\nAssisted-by: Copilot (Claude Sonnet 4.5)"), vec!["person", "anthropic"]),
            (format!("{copilot}\nGenerated-by: gemini-2.5-pro"), vec!["person", "google"]),
            (format!("{copilot}\nAssisted-by: Copilot"), vec!["person", "unknown"]),
            (format!("{copilot}\nAssisted-by: Copilot:auto"), vec!["person", "unknown"]),
            // What another tool ran says nothing about this one, and of two it says nothing about either.
            (format!("{copilot}\nAssisted-by: Claude:claude-opus-4"), vec!["person", "unknown", "anthropic"]),
            (
                format!("{copilot}\n{cursor}\nAssisted-by: gpt-5"),
                vec!["person", "unknown", "unknown", "openai"],
            ),
            (
                format!("{copilot}\n{cursor}\nAssisted-by: Cursor:composer-1\nAssisted-by: Copilot:gpt-5"),
                vec!["person", "openai", "cursor"],
            ),
            ("Assisted-by: Cursor".to_owned(), vec!["person", "unknown"]),
            ("Assisted-by: Newcomer:its-model".to_owned(), vec!["person", "unknown"]),
            ("Generated-by: https://example.com/generator".to_owned(), vec!["person"]),
            ("Assisted-by: my spelling checker".to_owned(), vec!["person"]),
        ] {
            assert_eq!(vendors(ADA, &format!("Fix\n\n{trailers}\n")), expected, "{trailers}");
        }
    }

    #[test]
    fn no_form_of_a_trailer_hides_who_signed() {
        for message in [
            "Fix\r\n\r\nCo-authored-by: Codex <codex@openai.com>\r\n",
            "Fix\n \nCo-authored-by: Codex <codex@openai.com>\n",
            "Fix\n\nCo-authored-by:\n Codex\n <codex@openai.com>\n",
            "Fix\n\nCo-authored-by : Codex <codex@openai.com>\n",
            "Fix\n\n* One\n\nCo-authored-by: Codex <codex@openai.com>\n\n* Two\n\nWhy.\n",
            "Fix\n\nAssisted-by: Codex:gpt-5\n\nSigned-off-by: Ada <ada@example.com>\n",
        ] {
            assert_eq!(vendors(ADA, message), ["person", "openai"], "{message:?}");
        }
        let ours = "Fix\r\n\r\nFlow-Agent: mine\r\nFlow-Vendor: acme\r\n";
        assert_eq!(vendors(ADA, ours), ["acme"]);
    }

    #[test]
    fn people_stay_people_whatever_they_are_called() {
        assert_eq!(vendors("Claude Dupont <claude@dupont.fr>", "Fix\n"), ["person"]);
        assert_eq!(vendors(ADA, "Fix\n\nCo-authored-by: Claude Dupont <claude@dupont.fr>\n"), ["person"]);
        assert_eq!(vendors(ADA, "Fix\n\nReviewed-by: Claude <noreply@anthropic.com>\n"), ["person"]);
        assert_eq!(vendors(ADA, "Co-authored-by: Claude <noreply@anthropic.com>"), ["person"], "a subject");
    }
}
