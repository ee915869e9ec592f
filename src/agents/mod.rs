//! Who works: agent CLIs and model APIs, their sandbox, worktrees and credentials, and what is trusted to run.

pub mod agent;
pub mod credentials;
pub mod model;
pub mod sandbox;
pub mod trust;
pub mod worktree;
