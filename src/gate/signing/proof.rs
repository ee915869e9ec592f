//! What a record's signature proves: that a person who had no hand in the change vouches for it, or only
//! that the record is whole.
//!
//! The author of a change can sign an approval of it. The signature then shows that the record was not
//! altered since, and no more; so signers are compared with all who wrote or committed the change.

use super::Signers;
use crate::domain::error::Result;
use crate::domain::verdict::Verdict;
use crate::gate::store::{Repo, changes};
use serde::Serialize;

/// What a signature comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Proves {
    /// A person who had no hand in the change vouches for the record.
    Independence,
    /// The record is as its signer left it; the signer may be who made the change.
    Integrity,
    /// Anybody could have written it.
    Nothing,
}

/// Who signed a record, and what that proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// By the branch's list of signers; none where no good signature is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    pub proves: Proves,
    /// The same in a sentence without a full stop.
    pub explanation: String,
}

impl Proof {
    /// Of a record, by that list; without one it is unknown whose a signature is.
    pub fn new(repo: &Repo, signers: Option<&Signers>, verdict: &Verdict) -> Result<Proof> {
        let nothing = |explanation: String| Proof { signer: None, proves: Proves::Nothing, explanation };
        if verdict.signature.is_none() {
            // A person's word rests on nothing but the name.
            let unverified = if verdict.reviewer.vendor.is_person() { "unverified: " } else { "" };
            return Ok(nothing(format!("{unverified}not signed: anybody could have written it")));
        }
        let Some(signers) = signers else {
            return Ok(nothing("signed, and the branch has no list of signers that tells by whom".into()));
        };
        let signer = match signers.signer(repo, verdict)? {
            Ok(signer) => signer,
            Err(why) => return Ok(nothing(format!("signed in vain: {why}"))),
        };
        // Whoever the list names for a key may have made any signature of it.
        let owners = signers.owners(verdict);
        let is_maker =
            |name: &String, makers: &[String]| makers.iter().any(|maker| maker.eq_ignore_ascii_case(name));
        let (proves, why) = match makers(repo, verdict)? {
            _ if owners.iter().chain([&signer]).any(|name| name.contains(['*', '?', '!'])) => {
                (Proves::Integrity, "which may be who made the change")
            }
            None => (Proves::Integrity, "and who committed the change cannot be told"),
            Some(makers) if is_maker(&signer, &makers) => (
                Proves::Integrity,
                "who had a hand in the change: it proves that the record is whole, no more",
            ),
            Some(makers) if owners.iter().any(|name| is_maker(name, &makers)) => (
                Proves::Integrity,
                "whose key is also that of who had a hand in the change: it proves that the record is whole, no \
                 more",
            ),
            Some(_) => (Proves::Independence, "who had no hand in the change"),
        };
        Ok(Proof { explanation: format!("by {signer}, {why}"), signer: Some(signer), proves })
    }
}

/// The addresses of all who wrote or committed a change; `None` if its commits cannot be found.
fn makers(repo: &Repo, verdict: &Verdict) -> Result<Option<Vec<String>>> {
    let Some(commits) = changes::commits_of(repo, verdict)? else { return Ok(None) };
    let mut makers: Vec<String> = verdict.authors.iter().map(|author| author.address().to_owned()).collect();
    for commit in commits {
        makers.extend([&commit.author, &commit.committer].map(|person| address(person).to_owned()));
    }
    Ok(Some(makers))
}

/// The address in `Name <address>`.
fn address(person: &str) -> &str {
    let address = person.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    address.map_or(person, |(address, _)| address).trim()
}
