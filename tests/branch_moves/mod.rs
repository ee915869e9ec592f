//! Every way that a protected branch can move, and what becomes of it: one table, one test per part.
//!
//! Each row is an operation as a person types it. With a change that nobody has judged it is refused,
//! the state is compared, and the way back that the message names is taken; then the review that the
//! message names is had, and the same operation passes. What git makes impossible to refuse on a
//! person's own machine says so in the table, and is caught by the fences behind.

mod elsewhere;
mod local;
mod page;
mod rebase;
mod row;
mod repository;
mod unseen;

#[test]
fn no_command_of_git_brings_in_what_nobody_has_judged() {
    row::run(local::ROWS);
}

#[test]
fn no_rebase_brings_in_what_nobody_has_judged() {
    row::run(rebase::ROWS);
}

#[test]
fn no_push_that_asks_us_brings_in_what_nobody_has_judged() {
    row::run(elsewhere::ROWS);
}

#[test]
fn what_no_hook_sees_goes_no_further() {
    row::run(unseen::ROWS);
}
