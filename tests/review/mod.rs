//! A rival's review through the real binary.

mod api;
mod committee;
mod liars;
mod outcome;
mod parts;
mod shown;

use crate::support::Place;
use std::fs;

/// One reviewer, a command, of a vendor that wrote nothing.
const CONFIG: &str = r#"
version = 1
[review]
timeout = "20s"
[agents.judge]
command = ["judge"]
vendor = "zeta"
[reviewers.judge]
agent = "judge"
"#;

/// A repository with a reviewer and one commit on `topic` that changes `app.txt`.
fn place(decide: &str) -> Place {
    let place = Place::with_config(CONFIG);
    // Whatever it decides, it leaves what it was shown and says that it was asked.
    let root = place.root().display();
    place.reviewer(
        "judge",
        &format!("printf '%s\\n' \"$request\" > {root}/request; echo x >> {root}/asked\n{decide}"),
    );
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    commit(&place, "app.txt", "one\ntwo\nthree\n");
    place
}

fn commit(place: &Place, path: &str, text: impl AsRef<[u8]>) {
    place.write(path, text);
    place.git(&["add", "-A"]).ok();
    place.git(&["commit", "--quiet", "-m", "Change it"]).ok();
}

/// What the reviewer was shown.
fn request(place: &Place) -> String {
    String::from_utf8_lossy(&fs::read(place.root().join("request")).unwrap()).into_owned()
}

/// How often somebody was asked.
fn asked(place: &Place) -> usize {
    fs::read_to_string(place.root().join("asked")).unwrap_or_default().lines().count()
}

/// How many verdicts are recorded for HEAD.
fn recorded(place: &Place) -> usize {
    let notes = place.git(&["notes", "--ref=flow-ai", "show", "HEAD"]).stdout;
    notes.lines().filter(|line| line.starts_with('{')).count()
}
