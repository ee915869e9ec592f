//! `git flow-ai`: an engineering process for code that AI agents write, inside git.
//!
//! Specs first, agents in parallel worktrees, a rival vendor's model as judge, verdicts in git
//! notes, and a gate that lets nothing into a protected branch without one. No account, no daemon,
//! no database: what is done is read off refs and notes. `docs/architecture.md` says how.
//!
//! # Words
//! A *spec* is one intended change, known by its slug; its documents live on `flow/<slug>/spec`. A
//! *workflow* is the recipe: an ordered list of *steps* in Markdown. The *plan* holds the *tasks*;
//! each is done by one *agent* in one worktree on the branch `flow/<slug>/<task>`, in one or more
//! *attempts*. The *vendor* is the maker of the model behind an agent; a *rival* is a reviewer whose
//! vendor is none of the authors'. A *change* goes from a base tree to a head tree, whatever commits
//! carry it; a *verdict* is a reviewer's decision on exactly that change, made of *findings*. The
//! *gate* is the function `admit(ref, old, new)`.
//!
//! # Rooms
//! Imports go downwards only, and nothing imports in a circle: neither the modules of a room, nor any
//! two files. A test reads this table.
//!
//! | room | what is in it |
//! |---|---|
//! | [`ui`] | what users and scripts see: every command and flag, help, tables, progress, JSON |
//! | [`commands`] | what each command does, printing nothing |
//! | [`agents`] | who works: agent CLIs, model APIs, their sandbox, worktrees and credentials |
//! | [`gate`] | who may enter: the repository as data, signatures, admission |
//! | [`system`] | the machine: processes, files, locks, the git executable |
//! | [`domain`] | what we talk about, without input or output: plans, verdicts, policy, presets |
//!
//! # Three journeys
//! **spec**: `commands::documents` writes documents to a branch that is never checked out, and records who
//! approved which exact text. **run**: `commands::run` starts what is ready in the plan, supervises,
//! verifies, collects changes, has them reviewed, sends findings back, and merges in order. **gate**:
//! `commands::hook` asks `gate::admit`, which looks up verdicts in `gate::store`; only the merge hook
//! may ask `commands::review` for a missing one.

pub mod agents;
pub mod commands;
pub mod domain;
pub mod gate;
pub mod system;
pub mod ui;
