//! Who is a rival: whose verdict on a change counts, given who made it.

use crate::domain::change::Author;
use serde::{Deserialize, Serialize};

/// What must differ between a reviewer and every author (`gate.rival` in the config).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rival {
    /// Another vendor than any author's.
    #[default]
    Vendor,
    /// Another model than any author's.
    Model,
    /// Anybody, even the author's own model in a fresh session.
    Any,
}

impl Rival {
    /// Whether the reviewer may judge what these authors made. A person may judge anything but their own work.
    pub fn may_judge(self, reviewer: &Author, authors: &[Author]) -> bool {
        if reviewer.vendor.is_person() {
            return !authors.iter().any(|author| author.is_same_person(reviewer));
        }
        match self {
            Rival::Vendor => authors.iter().all(|author| reviewer.vendor.is_other_than(&author.vendor)),
            Rival::Model => authors.iter().all(|author| !reviewer.may_share_a_model_with(author)),
            Rival::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rival;
    use crate::domain::change::{Author, Vendor};

    #[test]
    fn a_person_judges_anything_but_their_own_work() {
        let person = |name: &str| Author { name: name.into(), vendor: Vendor::person(), model: None };
        let claude = Author { name: "claude".into(), vendor: Vendor::new("anthropic"), model: None };
        let rival = Rival::default();
        let ada = person("Ada <ada@example.com>");
        assert!(rival.may_judge(&ada, std::slice::from_ref(&claude)));
        assert!(rival.may_judge(&ada, &[claude, person("Bob <bob@example.com>")]));
        assert!(!rival.may_judge(&ada, &[person("A. Lovelace <ADA@example.com>")]));
    }
}
