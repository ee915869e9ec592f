//! Why an approved change does not let a step in, in the words of a refusal.

use gix::ObjectId;
use std::fmt;

/// Why an approved change does not carry a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is about something else.
    Other,
    /// It touches a path that was not shown.
    LandsElsewhere(String),
    /// The path must be exactly as shown, and is not.
    NotExact(String),
    /// The lines of that path land in another place than was shown.
    OtherPlace(String),
    /// The branch has never had that path as it was before the change.
    UnknownBase(String),
    /// It came into the branch's history before, and was left out by the merge or taken out again.
    Spent,
    /// What was judged is not here, so that nothing can be compared with it.
    Absent,
    /// A policy file, and no single verdict shows how it changes.
    PolicyByStack(String),
    /// A commit that would enter was shown to no reviewer.
    Unjudged(ObjectId),
    /// It would enter with a history that shares no commit with the branch.
    Unrelated,
    /// Its approvals are not enough: whose, and for what.
    Short(String),
    /// A rule wants a person.
    WantsPerson,
    /// Not all its approvals are by rivals of everybody who made it.
    NotRival,
    /// It was judged for another branch, and is no exact pick of what landed there.
    NotBackport,
    /// A verdict blocks what the step brings.
    Blocked,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Other => f.write_str("it is about another change"),
            Reason::LandsElsewhere(path) => {
                write!(f, "it would change {path}, which its reviewer was not shown")
            }
            Reason::NotExact(path) => write!(f, "{path} has to land exactly as it was reviewed"),
            Reason::OtherPlace(path) => write!(f, "{path} has changed around the reviewed lines"),
            Reason::UnknownBase(path) => {
                write!(f, "it was reviewed on a version of {path} that the branch never had")
            }
            Reason::Spent => {
                f.write_str("the branch has had it in its history, and it was left out or taken out again")
            }
            Reason::Absent => f.write_str("the commits that were reviewed are not in this repository"),
            Reason::PolicyByStack(path) => {
                write!(f, "{path} is policy, and no single review shows how it changes")
            }
            Reason::Unjudged(commit) => {
                write!(f, "commit {} on its way in was never reviewed", commit.to_hex_with_len(10))
            }
            Reason::Unrelated => f.write_str("its history shares no commit with the branch"),
            Reason::Short(why) => f.write_str(why),
            Reason::WantsPerson => f.write_str("a rule wants a person's approval"),
            Reason::NotRival => f.write_str("no reviewer who approved it is independent of all its authors"),
            Reason::NotBackport => {
                f.write_str("it was approved for another branch, and is not an exact pick from there")
            }
            Reason::Blocked => f.write_str("a reviewer asks for changes"),
        }
    }
}

/// Yes, or why not.
pub(super) type Answer<T = ()> = std::result::Result<T, Reason>;
