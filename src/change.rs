//! What enters a branch: from a base tree to a head tree, whatever commits carry it, and who made it.
//!
//! The vendor is the maker of the *model* behind an agent or reviewer, since a gateway or a command
//! line tool does not change whose judgement it is. It is what the rival rule compares.

use gix::ObjectId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Families of models by the first word of their names, and who makes them.
const FAMILIES: &[(&str, &str)] = &[
    ("claude", "anthropic"),
    ("gpt", "openai"),
    ("codex", "openai"),
    ("chatgpt", "openai"),
    ("gemini", "google"),
    ("gemma", "google"),
    ("qwen", "alibaba"),
    ("qwq", "alibaba"),
    ("deepseek", "deepseek"),
    ("mistral", "mistral"),
    ("mixtral", "mistral"),
    ("codestral", "mistral"),
    ("devstral", "mistral"),
    ("magistral", "mistral"),
    ("llama", "meta"),
    ("grok", "xai"),
    ("kimi", "moonshot"),
    ("glm", "zhipu"),
    ("minimax", "minimax"),
    ("command-r", "cohere"),
    ("command-a", "cohere"),
    ("nova", "amazon"),
    ("phi", "microsoft"),
    ("composer", "cursor"),
];

/// The maker of a model: `anthropic`, `openai`, `google`, …, or `person` where no model wrote it.
///
/// Always in lower case, wherever it was read: `Anthropic` in a config is no rival of `anthropic`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Vendor(String);

impl From<String> for Vendor {
    fn from(name: String) -> Vendor {
        Vendor::new(&name)
    }
}

impl From<Vendor> for String {
    fn from(vendor: Vendor) -> String {
        vendor.0
    }
}

impl Vendor {
    /// The vendor of that name, in lower case.
    pub fn new(name: &str) -> Vendor {
        Vendor(name.trim().to_lowercase())
    }

    /// No model: a person wrote it.
    pub fn person() -> Vendor {
        Vendor("person".into())
    }

    /// Whether a person, not a model, stands behind the name.
    pub fn is_person(&self) -> bool {
        self.0 == "person"
    }

    /// The makers of the models that we know by name.
    pub fn known() -> impl Iterator<Item = Vendor> {
        FAMILIES.iter().map(|(_, vendor)| Vendor::new(vendor))
    }

    /// The vendor that a model's name betrays, through the prefixes that gateways put before it
    /// (`openrouter/anthropic/claude-…`, `us.anthropic.claude-…`, `vertex_ai/gemini-…`).
    pub fn of_model(model: &str) -> Option<Vendor> {
        let model = model.to_lowercase();
        // The last part that names a family wins: gateways put themselves in front.
        let parts: Vec<&str> = model.split(['/', ':', '.', '@', ' ']).collect();
        for part in parts.iter().rev() {
            for (family, vendor) in FAMILIES {
                let starts = part.strip_prefix(family);
                if starts.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic())) {
                    return Some(Vendor::new(vendor));
                }
            }
            // OpenAI's reasoning models: o1, o3-mini, o4-mini.
            let mut letters = part.chars();
            if letters.next() == Some('o') && letters.next().is_some_and(|c| c.is_ascii_digit()) {
                return Some(Vendor::new("openai"));
            }
        }
        None
    }

    /// The name as written in records.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who made a change, recorded by us when we started it, never self-reported.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Author {
    /// The agent's name in the config, or the person's name and address.
    pub name: String,
    /// Whose model it is, or `person`.
    pub vendor: Vendor,
    /// The model's name where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl Author {
    /// The address in `Name <address>`; the whole name where there is none.
    pub fn address(&self) -> &str {
        let address = self.name.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
        address.map_or(self.name.as_str(), |(address, _)| address).trim()
    }

    /// Whether both are persons of one address.
    pub fn is_same_person(&self, other: &Author) -> bool {
        self.vendor.is_person()
            && other.vendor.is_person()
            && self.address().eq_ignore_ascii_case(other.address())
    }
}

/// One change: what a verdict is about and what the gate admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The tree that it starts from.
    pub base_tree: ObjectId,
    /// The tree that it ends in.
    pub head_tree: ObjectId,
    /// The commit that carries it, where there is one; an index for finding verdicts, no proof.
    pub head_commit: Option<ObjectId>,
    /// Everybody who had a hand in it.
    pub authors: Vec<Author>,
    /// One line for people: a commit's subject, or "staged changes".
    pub title: String,
}

impl Change {
    /// Whether it changes anything at all.
    pub fn is_empty(&self) -> bool {
        self.base_tree == self.head_tree
    }

    /// The vendors whose models had a hand in it, without persons.
    pub fn vendors(&self) -> Vec<Vendor> {
        let mut vendors: Vec<Vendor> =
            self.authors.iter().map(|a| a.vendor.clone()).filter(|v| !v.is_person()).collect();
        vendors.sort();
        vendors.dedup();
        vendors
    }
}

#[cfg(test)]
mod tests {
    use super::Vendor;

    #[test]
    fn the_vendor_follows_the_model_through_gateways() {
        for (model, vendor) in [
            ("claude-sonnet-4-5", "anthropic"),
            ("openrouter/anthropic/claude-opus-4", "anthropic"),
            ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "anthropic"),
            ("vertex_ai/gemini-2.5-pro", "google"),
            ("azure/gpt-5.5", "openai"),
            ("o3-mini", "openai"),
            ("ollama/qwen3-coder:30b", "alibaba"),
            ("deepseek-r1-distill-llama-70b", "deepseek"),
        ] {
            assert_eq!(Vendor::of_model(model), Some(Vendor::new(vendor)), "{model}");
        }
        assert_eq!(Vendor::of_model("scripted"), None);
        assert_eq!(Vendor::of_model("phishing-model"), None, "a family's name must end where the word ends");
    }
}
