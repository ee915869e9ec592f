//! Every way that a protected branch can move, and what the gate does: one table, one test per part.
//!
//! Each row is an operation as a user types it. Without a verdict it is refused, nothing has changed, and
//! the way back that the message names works; then the review that the message names is obtained, and the
//! same operation passes. What git does not let anybody refuse on a user's own machine is marked in the
//! table, and is caught by what comes after it: the server, `check` and `verify`.

mod elsewhere;
mod local;
mod page;
mod rebase;
mod repository;
mod row;
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
