//! Process trees die whole: whatever an agent leaves behind, however it ends, and however we do.

use super::{Held, MEANS};
use crate::support::Out;
use std::fs;
use std::time::{Duration, Instant};

/// Where nothing holds what an agent touches, its processes are held all the same.
fn all() -> impl Iterator<Item = &'static str> {
    MEANS.iter().copied().chain(["off"])
}

/// The commands that are at work and have that word in their arguments.
fn at_work(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let command = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        let ours = command.split('\0').any(|argument| argument == word);
        let status = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if ours && !status.contains(") Z ") {
            found.push(command.replace('\0', " "));
        }
    }
    found
}

/// Waits until that is so.
fn soon(what: impl Fn() -> bool, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    what()
}

/// A number of seconds that no other test sleeps.
fn seconds() -> String {
    format!("{}.{}", 70_000 + fastrand::u32(0..9_000), fastrand::u32(..))
}

/// What leaves processes that only a look at everything would find.
fn daemons(seconds: &str) -> String {
    format!(
        r#"setsid env -i sh -c 'sleep {seconds} & sleep {seconds} & exit' &
(setsid setsid sh -c 'trap "" TERM HUP INT; (trap "" TERM; sleep {seconds}; sleep {seconds}) & wait' &)
(env -i setsid sh -c '(setsid sleep {seconds} &) &' &)
sleep {seconds} & kill -STOP $!
sleep 0.2; echo made >made.txt"#
    )
}

#[test]
fn nothing_outlives_an_agent_that_ends() {
    for means in all() {
        let seconds = seconds();
        let held = Held::new(means, &daemons(&seconds), "");
        held.run().ok();
        assert_eq!(at_work(&seconds), [""; 0], "{means}");
        assert_eq!(held.made("made.txt"), "made\n");
    }
}

#[test]
fn nothing_outlives_an_agent_that_takes_too_long() {
    for means in all() {
        let seconds = seconds();
        let agent = format!("{}\ntrap '' TERM\nsleep {seconds}; sleep {seconds}", daemons(&seconds));
        let held = Held::new(means, &agent, "timeout = \"1s\"");
        let begun = Instant::now();
        held.run().exits(1);
        assert_eq!(at_work(&seconds), [""; 0], "{means}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{means}: {:?}", begun.elapsed());
    }
}

#[test]
fn nothing_outlives_us() {
    for means in all() {
        let seconds = seconds();
        let held = Held::new(means, &format!("{}\nsleep {seconds}", daemons(&seconds)), "");
        let mut us = held.command().spawn().unwrap();
        assert!(soon(|| at_work(&seconds).len() >= 5, Duration::from_secs(20)), "{means}: nothing began");
        us.kill().unwrap();
        us.wait().unwrap();
        assert!(
            // A tenth of that where nobody else is at work.
            soon(|| at_work(&seconds).is_empty(), Duration::from_secs(3)),
            "{means}: {:?}",
            at_work(&seconds)
        );
    }
}

#[test]
fn an_agent_that_is_told_to_end_can_still_save() {
    for means in all() {
        let held = Held::new(
            means,
            "trap 'sleep 0.3; echo saved >>made.txt; exit 0' TERM\necho made >made.txt\nwhile :; do sleep 0.1; done",
            "timeout = \"1s\"",
        );
        held.run().exits(1);
        let saved = Out::of(
            held.place.command("sh").args(["-c", "cat ../.repo.flow-ai/*/made.txt"]).output().unwrap(),
        );
        let made = format!("{}{}", held.made("made.txt"), saved.stdout);
        assert!(made.contains("made\nsaved\n"), "{means}: {made}");
    }
}

#[test]
fn what_forks_without_end_is_ended() {
    for means in all() {
        let seconds = seconds();
        let held =
            Held::new(means, &format!("bomb {seconds} & sleep 1; echo made >made.txt"), "timeout = \"20s\"");
        held.place.script("bomb", &format!("\"$0\" {seconds} & \"$0\" {seconds} & wait"));
        let held = held.by_nobody();
        // Fewer than we allow, so that whoever tests beside this gets a turn.
        let mut gentle = held.place.command("prlimit");
        let run = held.command();
        gentle.arg("--nproc=300").arg(run.get_program()).args(run.get_args()).output().unwrap();
        assert!(
            soon(|| at_work(&seconds).is_empty(), Duration::from_secs(3)),
            "{means}: {}",
            at_work(&seconds).len()
        );
    }
}

#[test]
fn no_command_may_start_processes_without_end() {
    for means in all() {
        let held = Held::new(means, "sh -c 'ulimit -u' >most.txt || bash -c 'ulimit -u' >most.txt", "");
        held.run().ok();
        let most: u64 = held.made("most.txt").trim().parse().unwrap_or(u64::MAX);
        // What the user has at work already counts too.
        assert!(most < 20_000, "{means}: {most}");
    }
}
