//! Who may enter: the repository as data, signatures, admission and its explanation.
//!
//! This room could be embedded in a server or a CI check: it needs no async runtime, no HTTP client and no
//! terminal, and a test says so.
//!
//! [`store`] has the repository ([`Repo`](store::Repo)) and the recorded verdicts; [`signing`] the keys
//! ([`SigningKey`](signing::SigningKey)), the list of those who may sign ([`Signers`](signing::Signers)) and
//! what a signature proves. [`admit`] is the gate: [`BranchVerdicts`](admit::BranchVerdicts) says which
//! verdicts count, [`tally`](admit::tally) what they come to, [`admit`](admit::admit) what may enter.
//! [`check`] reports its answer to scripts ([`CheckReport`](check::CheckReport)).

pub mod admit;
pub(crate) mod check;
pub mod signing;
pub mod store;
