//! One row of the matrix: what is declared, and how it is tried.

use super::repository::{scene, state, tips, ungated};
use crate::support::{Out, Place};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// One operation.
pub struct Row {
    /// Its name, as on the page.
    pub operation: &'static str,
    /// The branch that a person is on.
    pub on: &'static str,
    /// What has been done before, round the hooks.
    pub setup: &'static str,
    /// What is under way, done round the hooks: a merge that has stopped, say.
    pub begun: &'static str,
    /// What is typed.
    pub does: Does,
    /// What becomes of it when nobody has judged the change.
    pub unjudged: Outcome,
    /// What becomes of it after a review.
    pub judged: Judged,
    /// The oldest git that has it.
    pub since: (u32, u32),
    /// A part of git that not every build has.
    pub part: Option<&'static str>,
    /// Another outcome from that git on.
    pub from: Option<((u32, u32), Outcome)>,
}

/// How an operation is done.
#[derive(Clone, Copy)]
pub enum Does {
    /// By a shell.
    Typed(&'static str),
    /// By a function: a library in this process, or with a server beside it.
    Calls(fn(&Place) -> Out),
}

/// What becomes of a change that nobody has judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// It is refused, and nothing is touched.
    Refused,
    /// It is refused, and this is the way back.
    Back(&'static str),
    /// It passes: nothing of what the branch holds changes.
    Free,
    /// No hook sees it here; the push is stopped, and `git flow-ai verify` tells.
    Unseen,
    /// No hook of ours is asked; a server with the gate stops it.
    Server,
}

/// What becomes of it after a review.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Judged {
    /// It passes.
    Passes,
    /// It is refused all the same: no review lets a protected branch lose commits.
    Never,
}

/// A row of the usual kind: on `main`, refused with nothing touched, passing after a review.
pub const fn row(operation: &'static str, does: &'static str) -> Row {
    Row {
        operation,
        on: "main",
        setup: "",
        begun: "",
        does: Does::Typed(does),
        unjudged: Outcome::Refused,
        judged: Judged::Passes,
        since: (0, 0),
        part: None,
        from: None,
    }
}

impl Row {
    /// What is declared for that git.
    fn outcome(&self, git: (u32, u32)) -> Outcome {
        match self.from {
            Some((version, outcome)) if git >= version => outcome,
            _ => self.unjudged,
        }
    }

    fn do_it(&self, place: &Place) -> Out {
        match self.does {
            Does::Typed(line) => place.sh(line),
            Does::Calls(call) => call(place),
        }
    }
}

/// Tries all rows, a few at a time, and tells of all that came out otherwise.
pub fn run(rows: &[Row]) {
    let git = git_flow_ai::system::git::version().unwrap();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if row.since > git {
                        println!("skipped, for git is older than {:?}: {}", row.since, row.operation);
                    } else if row.part.is_some_and(|part| !has(part)) {
                        println!("skipped, for git was built without it: {}", row.operation);
                    } else if let Err(why) = attempt(row, git) {
                        wrong.lock().unwrap().push(format!("== {}: {why}", row.operation));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// Whether git has that program of its own.
fn has(part: &str) -> bool {
    let folder =
        git_flow_ai::system::git::output(std::process::Command::new("git").arg("--exec-path")).unwrap();
    std::path::Path::new(&folder).join(part).exists()
}

fn attempt(row: &Row, git: (u32, u32)) -> Result<(), String> {
    let place = scene();
    place.git(&["switch", "--quiet", row.on]).ok();
    succeed("the set-up", ungated(&place, row.setup))?;
    match row.outcome(git) {
        Outcome::Refused => refused(row, &place, None),
        Outcome::Back(command) => refused(row, &place, Some(command)),
        Outcome::Free => {
            begin(row, &place)?;
            succeed("it", row.do_it(&place)).map(drop)
        }
        Outcome::Unseen => unseen(row, &place),
        Outcome::Server => server(row, &place),
    }
}

/// Does as the messages say until the operation passes.
fn refused(row: &Row, place: &Place, back: Option<&str>) -> Result<(), String> {
    let start = state(place);
    // A range of commits is judged one by one.
    for round in 0..4 {
        begin(row, place)?;
        let (begun, before) = (state(place), tips(place));
        let out = row.do_it(place);
        match (tips(place) != before, out.status == 0) {
            (true, _) if round == 0 => return Err(format!("it moved unjudged\n{}", said(&out))),
            (true, _) if row.judged == Judged::Never => {
                return Err(format!("it moved, though it never may\n{}", said(&out)));
            }
            (true, true) => return Ok(()),
            (false, true) => return Err(format!("it said yes, and nothing moved\n{}", said(&out))),
            // The first of several was judged, and this one is not yet.
            (true, false) | (false, false) => {}
        }
        if back.is_none() {
            same("the refusal touched something", &begun, &state(place), &out)?;
        }
        let named = hint(&out, "to go back to where you were: ");
        // Several picks are judged on a branch of their own: all of the way in is one line.
        if let Some(all) = hint(&out, "pick them onto a branch of their own, and have that judged: ") {
            succeed("what is offered", place.sh(&all))?;
            return if tips(place) == before {
                Err(format!("it moves nothing\n{}", said(&out)))
            } else {
                Ok(())
            };
        }
        let review = hint(&out, "have it judged: ");
        if let Some(review) = &review {
            let review = review.split([',', ';']).next().unwrap_or_default();
            succeed("the review that is named", place.sh(review))?;
        }
        match (back, &named) {
            (Some(back), Some(named)) if back != named => {
                return Err(format!("the way back is not `{back}`\n{}", said(&out)));
            }
            (Some(back), None) => return Err(format!("it does not name `{back}`\n{}", said(&out))),
            (_, Some(named)) => {
                succeed("the way back", place.sh(named))?;
                same("the way back leads elsewhere", &start, &state(place), &out)?;
            }
            (None, None) if !row.begun.is_empty() => {
                // Nothing to go back from for us; for the next round it is begun again.
                return again(row, place, &before);
            }
            (None, None) => {}
        }
        if row.judged == Judged::Never {
            if review.is_none() {
                return never(row, place, &out);
            }
        } else if review.is_none() {
            return Err(format!("it names no review\n{}", said(&out)));
        }
    }
    match row.judged {
        Judged::Never => Ok(()),
        Judged::Passes => Err("it is still refused after four reviews".into()),
    }
}

/// The same once more, where what was begun is still under way.
fn again(row: &Row, place: &Place, before: &str) -> Result<(), String> {
    let out = row.do_it(place);
    let moved = tips(place) != before;
    match (row.judged, moved) {
        (Judged::Passes, true) => succeed("it, judged,", out).map(drop),
        (Judged::Passes, false) => Err(format!("judged, it does not pass\n{}", said(&out))),
        (Judged::Never, false) => never(row, place, &out),
        (Judged::Never, true) => Err(format!("it moved, though it never may\n{}", said(&out))),
    }
}

/// No review helps; and it was the gate that stood in the way, nothing else.
fn never(row: &Row, place: &Place, out: &Out) -> Result<(), String> {
    let before = tips(place);
    begin(row, place)?;
    let Does::Typed(line) = row.does else { return Ok(()) };
    let round = ungated(place, line);
    if tips(place) == before {
        return Err(format!("it would not move anything anyway: {}\n{}", said(&round), said(out)));
    }
    Ok(())
}

/// It moves the branch here, and the next fences stand.
fn unseen(row: &Row, place: &Place) -> Result<(), String> {
    begin(row, place)?;
    let verify = || place.flow(&["verify"]);
    succeed("verify, before it,", verify())?;
    moves(row, place)?;
    let out = verify();
    if out.status != 1 {
        return Err(format!("verify does not tell\n{}", said(&out)));
    }
    let push = || place.sh("git push --quiet origin main:main");
    let out = push();
    let review = hint(&out, "have it judged: ");
    let Some(review) = review.filter(|_| out.status != 0) else {
        return Err(format!("the push is not stopped\n{}", said(&out)));
    };
    succeed("the review that is named", place.sh(&review))?;
    succeed("the push of what is judged", push())?;
    match row.judged {
        Judged::Passes => succeed("verify, after the review,", verify()).map(drop),
        Judged::Never => Ok(()),
    }
}

/// It moves the branch of a server that has no gate, and not that of one that has.
fn server(row: &Row, place: &Place) -> Result<(), String> {
    moves(row, place)?;
    let place = scene();
    succeed("the set-up", ungated(&place, row.setup))?;
    let hook = place.script("pre-receive", "exec git-flow-ai hook pre-receive");
    std::fs::rename(hook, place.root().join("origin.git/hooks/pre-receive")).unwrap();
    let before = tips(&place);
    let out = row.do_it(&place);
    match tips(&place) == before && out.status != 0 && out.stderr.contains("git flow-ai: ") {
        true => Ok(()),
        false => Err(format!("the server's gate does not stop it\n{}", said(&out))),
    }
}

fn moves(row: &Row, place: &Place) -> Result<(), String> {
    let before = tips(place);
    let out = succeed("it", row.do_it(place))?;
    if tips(place) == before { Err(format!("it did not move anything\n{}", said(&out))) } else { Ok(()) }
}

/// Begins what is under way when the operation comes, unless it is under way already.
fn begin(row: &Row, place: &Place) -> Result<(), String> {
    match row.begun {
        "" => Ok(()),
        begun => succeed("what is begun", ungated(place, begun)).map(drop),
    }
}

/// The command that a line of a message names, whoever repeats that line (`remote: hint: …`).
fn hint(out: &Out, words: &str) -> Option<String> {
    let line = out.stderr.lines().find_map(|line| line.split_once(words));
    line.map(|(_, command)| command.trim().to_owned())
}

fn succeed(what: &str, out: Out) -> Result<Out, String> {
    if out.status == 0 { Ok(out) } else { Err(format!("{what} fails\n{}", said(&out))) }
}

fn same(what: &str, before: &str, after: &str, out: &Out) -> Result<(), String> {
    if before == after {
        return Ok(());
    }
    let lines = |text: &str, other: &str, mark: &str| {
        let only: Vec<String> =
            text.lines().filter(|line| !other.contains(line)).map(|line| format!("{mark}{line}")).collect();
        only.join("\n")
    };
    Err(format!("{what}\n{}\n{}\n{}", lines(before, after, "-"), lines(after, before, "+"), said(out)))
}

fn said(out: &Out) -> String {
    format!("[{}] {}{}", out.status, out.stdout, out.stderr)
}
