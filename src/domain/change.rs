//! What enters a branch: from a base tree to a head tree, whatever commits carry it, and who made it.
//!
//! The vendor is the maker of the *model* behind an agent or reviewer, since a gateway or a command
//! line tool does not change whose judgement it is. It is what the rival rule compares.

mod model_names;

use gix::ObjectId;
use serde::{Deserialize, Serialize};
use std::fmt;

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
    /// The vendor of that name, in lower case; its maker where the name is that of a tool or of models
    /// (`claude`, `Codex`, `gemini`), as people write it.
    pub fn new(name: &str) -> Vendor {
        let name = name.trim().to_lowercase();
        let maker = model_names::maker_of(&name).map(str::to_owned);
        Vendor(maker.unwrap_or(name))
    }

    /// No model: a person wrote it.
    pub fn person() -> Vendor {
        Vendor("person".into())
    }

    /// Whether a person, not a model, stands behind the name.
    pub fn is_person(&self) -> bool {
        self.0 == "person"
    }

    /// It is unknown whose model it was: it counts as every vendor's.
    pub fn unknown() -> Vendor {
        Vendor("unknown".into())
    }

    pub fn is_unknown(&self) -> bool {
        self.0 == "unknown"
    }

    /// Whether the two are certainly different. Only a person is certainly different from an unknown
    /// vendor: a model is of some vendor, and it may be that one.
    pub fn is_other_than(&self, other: &Vendor) -> bool {
        let unknown = self.is_unknown() || other.is_unknown();
        self != other && (!unknown || self.is_person() || other.is_person())
    }

    /// The makers of the models that we know by name.
    pub fn known() -> impl Iterator<Item = Vendor> {
        model_names::all().map(Vendor::new)
    }

    /// The vendor that a model's name betrays, through the prefixes that gateways put before it
    /// (`openrouter/anthropic/claude-…`, `us.anthropic.claude-…`, `vertex_ai/gemini-…`).
    pub fn from_model(model: &str) -> Option<Vendor> {
        model_names::from_model_name(model).map(Vendor::new)
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

    /// Whether both name the same model, whatever gateways call it.
    pub fn is_of_model(&self, other: &Author) -> bool {
        match (&self.model, &other.model) {
            (Some(one), Some(two)) => model_names::model_key(one) == model_names::model_key(two),
            _ => false,
        }
    }

    /// Whether both may be of one model, whatever gateways call it; models that are not named may be the
    /// same.
    pub fn may_share_a_model_with(&self, other: &Author) -> bool {
        match (&self.model, &other.model) {
            (Some(one), Some(two)) => model_names::model_key(one) == model_names::model_key(two),
            _ => !self.vendor.is_other_than(&other.vendor),
        }
    }
}

/// One change: what a verdict is about and what the gate admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The tree that it starts from.
    pub base_tree: ObjectId,
    /// The tree that it ends in.
    pub head_tree: ObjectId,
    /// The commit that it starts from, where there is one; its tree is `base_tree`.
    pub base_commit: Option<ObjectId>,
    /// The commit that carries it, where there is one. Its tree is `head_tree`, but where what is judged is how
    /// it would land.
    pub head_commit: Option<ObjectId>,
    /// The commits that the head has and the base has not, parents first; none where none of them changes a
    /// file, or where it is not committed.
    pub commits: Vec<ObjectId>,
    /// Everybody who had a hand in it.
    pub authors: Vec<Author>,
    /// One line for people: a commit's subject, or "staged changes".
    pub title: String,
}

impl Change {
    /// Whether it changes nothing, on the way to its end neither.
    pub fn is_empty(&self) -> bool {
        self.base_tree == self.head_tree && self.commits.is_empty()
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
    use super::*;

    #[test]
    fn an_unknown_vendor_may_be_any_but_a_person() {
        let (one, other) = (Vendor::new("Anthropic"), Vendor::new("openai"));
        assert!(one.is_other_than(&other) && !one.is_other_than(&Vendor::new("anthropic")));
        assert!(!one.is_other_than(&Vendor::unknown()) && !Vendor::unknown().is_other_than(&one));
        assert!(!Vendor::unknown().is_other_than(&Vendor::unknown()));
        assert!(Vendor::person().is_other_than(&Vendor::unknown()));
    }

    #[test]
    fn the_name_of_a_tool_means_its_maker() {
        for (name, maker) in [
            ("Claude", "anthropic"),
            ("claude code", "anthropic"),
            ("codex", "openai"),
            ("Gemini-CLI", "google"),
        ] {
            assert_eq!(Vendor::new(name).as_str(), maker);
        }
        assert_eq!(Vendor::new("acme").as_str(), "acme");
        assert_eq!(Vendor::new("mistral").as_str(), "mistral");
    }

    #[test]
    fn models_that_are_not_named_may_be_the_same() {
        let author = |vendor: &str, model: Option<&str>| Author {
            name: "x".into(),
            vendor: Vendor::new(vendor),
            model: model.map(str::to_owned),
        };
        let sonnet = author("anthropic", Some("us.anthropic.claude-sonnet-4-5-20250929-v1:0"));
        assert!(
            sonnet
                .may_share_a_model_with(&author("anthropic", Some("openrouter/anthropic/claude-sonnet-4.5")))
        );
        assert!(
            sonnet.may_share_a_model_with(&author("acme", Some("claude-sonnet-4-5"))),
            "whatever a config calls it"
        );
        assert!(sonnet.may_share_a_model_with(&author("anthropic", None)));
        assert!(!sonnet.may_share_a_model_with(&author("anthropic", Some("claude-opus-4-5"))));
        assert!(!sonnet.may_share_a_model_with(&author("openai", None)));
        assert!(sonnet.may_share_a_model_with(&author("unknown", None)));
        assert!(!author("person", None).may_share_a_model_with(&author("unknown", None)));
    }
}
