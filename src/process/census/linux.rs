//! The census from `/proc`: a walk through our own descendants.
//!
//! The kernel hands orphans to the nearest ancestor that asked for them. So whatever an agent left is
//! below a child of ours that we did not start. Other such children are none of our business: git
//! starts daemons too. So a daemon that leaves its session *and* wipes its environment escapes; only a
//! sandbox holds that one.

use super::{Pid, Signs, roots};
use rustix::process::{Pid as SystemPid, WaitOptions, getpid, set_child_subreaper, waitpid};
use std::collections::BTreeSet;
use std::fs;
use std::sync::Once;

/// Asks for orphans. Once is enough.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A kernel that refuses leaves us what the group and the tree tell.
        let _ = set_child_subreaper(Some(getpid()));
    });
}

/// The living processes of a tree; its orphans that have ended are waited for.
pub fn alive(signs: &Signs) -> Vec<Pid> {
    let mut seeds: Vec<Pid> = if signs.reaped { Vec::new() } else { vec![signs.root] };
    seeds.extend(orphans(signs));
    let mut tree = BTreeSet::new();
    while let Some(pid) = seeds.pop() {
        if tree.insert(pid) {
            seeds.extend(children(pid));
        }
    }
    tree.into_iter().filter(|pid| Entry::of(*pid).is_some_and(|entry| !entry.ended())).collect()
}

/// Children of ours that we did not start, and that come from that tree.
fn orphans(signs: &Signs) -> Vec<Pid> {
    let own = getpid();
    let started = roots().clone();
    let mut found = Vec::new();
    for pid in children(own.as_raw_nonzero().get()) {
        if started.contains(&pid) {
            continue;
        }
        let Some(entry) = Entry::of(pid) else { continue };
        let related = entry.group == signs.root || entry.session == signs.root || is_marked(pid, signs.mark);
        if !related {
            continue;
        }
        match SystemPid::from_raw(pid) {
            Some(pid) if entry.ended() => {
                // It was handed to us, so that nobody else can wait for it.
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
            _ => found.push(pid),
        }
    }
    found
}

/// The children of a process. The kernel lists them by thread; where it was built without those
/// lists, all processes are asked for their parent.
fn children(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut all = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(list) => all.extend(list.split_ascii_whitespace().filter_map(|word| word.parse::<Pid>().ok())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && thread.path().exists() => {
                return children_by_parent(pid);
            }
            Err(_) => {}
        }
    }
    all
}

fn children_by_parent(parent: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| Entry::of(*pid).is_some_and(|entry| entry.parent == parent))
        .collect()
}

fn is_marked(pid: Pid, mark: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
        environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
    })
}

/// What `/proc/PID/stat` says.
struct Entry {
    state: char,
    parent: Pid,
    group: Pid,
    session: Pid,
}

impl Entry {
    fn of(pid: Pid) -> Option<Entry> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let text = String::from_utf8_lossy(&text);
        // The name before it stands in parentheses and may hold anything, parentheses too.
        let mut words = text.rsplit_once(')')?.1.split_ascii_whitespace();
        Some(Entry {
            state: words.next()?.chars().next()?,
            parent: words.next()?.parse().ok()?,
            group: words.next()?.parse().ok()?,
            session: words.next()?.parse().ok()?,
        })
    }

    /// Whether it is over and only waits for being waited for.
    fn ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}
