//! Who may enter: the repository as data, signatures, admission and its explanation.
//!
//! This room could be embedded in a server or a CI check: it needs no async runtime, no HTTP client and no
//! terminal, and a test says so.

pub mod admit;
pub mod check;
pub mod signing;
pub mod store;
