//! A rival's review through the real binary.

mod api;
mod committee;
mod history;
mod landing;
mod liars;
mod outcome;
mod parts;
mod shown;

use crate::support::{Config, Place};

/// One reviewer, a command, of a vendor that wrote nothing.
fn config() -> Config {
    Config::new().review("timeout = \"20s\"").reviewer("judge", "zeta")
}

/// A repository with a reviewer and one commit on `topic` that changes `app.txt`.
fn place(decide: &str) -> Place {
    let place = Place::with_config(config());
    place.watched_reviewer("judge", decide);
    place.branch("topic", "main");
    place.commit("app.txt", "one\ntwo\nthree\n");
    place
}

/// How many verdicts are recorded for HEAD.
fn recorded(place: &Place) -> usize {
    let notes = place.git(&["notes", "--ref=flow-ai", "show", "HEAD"]).stdout;
    notes.lines().filter(|line| line.starts_with('{')).count()
}
