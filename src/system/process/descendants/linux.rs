//! Descendants by way of `/proc`.
//!
//! The kernel hands orphans to the nearest ancestor that asked for them. So everything that an agent left is
//! below a child of ours that we did not start. Other such children are left alone: git starts daemons
//! too. So a daemon that leaves its session *and* wipes its environment escapes; only a sandbox stops it.

use super::roots;
use crate::system::mark::MARK;
use crate::system::process::Pid;
use crate::system::process::stat::Stat;
use rustix::process::{Pid as SystemPid, WaitOptions, getpid, set_child_subreaper, waitpid};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Mutex, Once, PoisonError};

/// Has the kernel hand orphans to us.
pub fn adopt_orphans() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // If the kernel refuses, groups and sessions still lead to most of a tree.
        let _ = set_child_subreaper(Some(getpid()));
    });
}

/// The living processes of that root's tree. If the root itself has been `reaped`, its number may belong to
/// another process by now. Reaps orphans that have ended.
pub fn alive(root: Pid, reaped: bool) -> Vec<Pid> {
    let mut seeds = orphans(root);
    if !reaped {
        seeds.push(root);
    }
    alive_from(seeds)
}

/// The living processes below that one.
pub fn below(root: Pid) -> Vec<Pid> {
    alive_from(children(root))
}

/// The living ones among these and all below them.
fn alive_from(mut seeds: Vec<Pid>) -> Vec<Pid> {
    let mut tree = BTreeSet::new();
    while let Some(pid) = seeds.pop() {
        if tree.insert(pid) {
            seeds.extend(children(pid));
        }
    }
    tree.into_iter().filter(|pid| Stat::read(*pid).is_some_and(|stat| !stat.has_ended())).collect()
}

/// Whether the process with this number is a child of ours.
pub fn is_child(pid: Pid) -> bool {
    Stat::read(pid).is_some_and(|stat| stat.parent == getpid().as_raw_nonzero().get())
}

/// The orphans of that tree: children of ours that we did not start.
fn orphans(root: Pid) -> Vec<Pid> {
    let mut owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
    let roots = roots();
    let mut found = Vec::new();
    for pid in children(getpid().as_raw_nonzero().get()) {
        if roots.contains_key(&pid) || owner(pid, &mut owners, &roots) != Some(root) {
            continue;
        }
        match SystemPid::from_raw(pid) {
            Some(system) if Stat::read(pid).is_none_or(|stat| stat.has_ended()) => {
                // It was handed to us, so only we can reap it.
                let _ = waitpid(Some(system), WaitOptions::NOHANG);
                owners.remove(&pid);
            }
            _ => found.push(pid),
        }
    }
    found
}

/// The roots that orphans come from. Hundreds of trees that end together look at each other's orphans; each
/// is examined once. Its number stays its own until we have reaped it.
static OWNERS: Mutex<BTreeMap<Pid, Pid>> = Mutex::new(BTreeMap::new());

/// The root of the tree that an orphan comes from; `None` if it is from none of ours.
fn owner(pid: Pid, owners: &mut BTreeMap<Pid, Pid>, roots: &BTreeMap<Pid, String>) -> Option<Pid> {
    if let Some(owner) = owners.get(&pid) {
        return Some(*owner);
    }
    let stat = Stat::read(pid)?;
    let by_number = [stat.group, stat.session].into_iter().find(|number| roots.contains_key(number));
    let owner = by_number.or_else(|| by_mark(pid, roots))?;
    owners.insert(pid, owner);
    Some(owner)
}

/// The children of a process. The kernel lists them by thread; if it was built without those lists, all
/// processes are searched for those with this parent.
pub fn children(pid: Pid) -> Vec<Pid> {
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
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .filter(|pid| Stat::read(*pid).is_some_and(|stat| stat.parent == parent))
        .collect()
}

/// The root of the tree whose mark a process carries.
fn by_mark(pid: Pid, roots: &BTreeMap<Pid, String>) -> Option<Pid> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mark = environment.split(|byte| *byte == 0).find(|variable| variable.starts_with(MARK.as_bytes()))?;
    roots.iter().find(|(_, root_mark)| mark.starts_with(root_mark.as_bytes())).map(|(root, _)| *root)
}
