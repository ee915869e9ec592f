//! `git flow-ai`: an engineering process for code that AI agents write, inside git.
//!
//! Specs first, agents in parallel worktrees, a rival vendor's model as judge, verdicts in git
//! notes, and a gate that lets nothing into a protected branch without one. No account, no daemon,
//! no database: what is done is read off refs and notes.
//!
//! # Words
//! A *spec* is one intended change, known by its slug; its documents live on `flow/<slug>/spec`. A
//! *workflow* is the recipe: an ordered list of *steps* in Markdown. The *plan* holds the *tasks*;
//! each is done by one *agent* in one worktree on the branch `flow/<slug>/<task>`. The *vendor* is
//! the maker of the model behind an agent; a *rival* is a reviewer whose vendor is none of the
//! authors'. A *change* goes from a base tree to a head tree, whatever commits carry it; a *verdict*
//! is a reviewer's decision on exactly that change, made of *findings*. The *gate* is the function
//! `admit(ref, old, new)`.
//!
//! # Rooms
//! Imports go downwards only, and no two modules of a room import each other in a circle. A test reads this
//! table.
//!
//! | room | what is in it |
//! |---|---|
//! | [`ui`] | what people and scripts see: [`cli`](ui::cli), [`report`](ui::report) |
//! | [`commands`] | what each command does, printing nothing |
//! | [`agents`] | who works: agent CLIs, model APIs, their sandbox, worktrees and credentials |
//! | [`gate`] | who may enter: the repository as data, signatures, admission |
//! | [`system`] | the machine: processes, files, the git executable |
//! | [`domain`] | what we talk about, without input or output |
//!
//! # Three journeys
//! **spec**: [`draft`](commands::draft) writes documents to a branch that is never checked out, and records who
//! approved which exact text. **run**: [`run`](commands::run) starts what is ready in the plan, supervises,
//! verifies, collects the changes, has it reviewed, sends findings back, merges in order. **gate**: [`hook`](commands::hook)
//! asks [`gate`], which looks up verdicts in [`store`](gate::store); only the merge hook may ask [`review`](commands::review) for a
//! missing one.
//!
//! # Choices
//! - Where no reviewer is a rival of all authors, the gate composes: a result that is nothing but the
//!   clean merge of tasks which rivals approved is admitted without a verdict on the whole.
//! - Approvals are repeated in each commit of a spec's branch, so that its tip alone tells its state, and
//!   the spec keeps its own copy of the workflow: replacing the plan cannot take away an approval.
//! - A missing review is had at `ORIG_HEAD`, before git touches anything, so that a refused merge leaves
//!   nothing to abort; `pre-merge-commit` does it for gits that do not ask there.
//! - Agents that review run in an empty folder: no file of the change they judge can steer or start
//!   anything.
//! - A verdict counts for the branch that it was given for: another branch's law may be laxer.
//! - Behind a gateway, a model of another vendor than the config names is an author beside it.
//! - A waiver and a person's approval are verdicts by a person: one kind of record, one list, one way to
//!   sign. A person's approval answers rules that want one, and never stands in for a rival's.
//! - Verdicts are found again after a rebase by an index inside the notes, keyed by the paths that a
//!   change touches: no cache beside the notes can be stale or poisoned.
//! - No hook writes what was admitted last: whoever asks judges from there to the tip again, so that a
//!   receipt proves verdicts and not that a hook ran.
//! - `reference-transaction` is a small program that the big one carries within itself; git starts it
//!   for every ref.
//! - An agent's worktree belongs to a private repository with the person's objects as alternate, not to a
//!   linked worktree: nothing shared can be written, whatever enforces it ([`worktree`](agents::worktree) says more).
//! - Set-up, checks and filters run what agents wrote, so they are held like agents.
//! - On Linux every command has a guardian of ours as parent, to whom the kernel hands its orphans: trees
//!   die whole without a sandbox too, and when we are killed.
//! - The system's keyring is asked by way of git's credential helpers, which people have set up already.

pub mod agents;
pub mod commands;
pub mod domain;
pub mod gate;
pub mod system;
pub mod ui;
