//! Descendants by way of `ps -E`, for systems without `/proc`.
//!
//! One `ps` at a time, and only when something is stopped or has ended.

use super::roots;
use crate::system::process::Pid;
use crate::system::program;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Nothing to do: here orphans go to the first process.
pub fn adopt_orphans() {}

/// The living processes of that root's tree; the root itself may have been `reaped`.
pub fn alive(root: Pid, reaped: bool) -> Vec<Pid> {
    let Some(mark) = roots().get(&root).cloned() else { return Vec::new() };
    let rows = rows(&mark);
    let seeds = rows.iter().filter(|row| (row.pid == root && !reaped) || row.group == root || row.marked);
    let mut tree: BTreeSet<Pid> = seeds.map(|row| row.pid).collect();
    loop {
        let before = tree.len();
        let below: Vec<Pid> =
            rows.iter().filter(|row| tree.contains(&row.parent)).map(|row| row.pid).collect();
        tree.extend(below);
        if tree.len() == before {
            break;
        }
    }
    rows.iter().filter(|row| tree.contains(&row.pid) && !row.ended).map(|row| row.pid).collect()
}

/// The children of a process: none, since nothing keeps a tree together here.
pub fn children(_: Pid) -> Vec<Pid> {
    Vec::new()
}

/// Whether the process with this number is a child of ours.
pub fn is_child(pid: Pid) -> bool {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    rows("").iter().any(|row| row.pid == pid && row.parent == own)
}

struct Row {
    pid: Pid,
    parent: Pid,
    group: Pid,
    ended: bool,
    marked: bool,
}

fn rows(mark: &str) -> Vec<Row> {
    let output = Command::new(program::own("ps"))
        .args(["-A", "-E", "-ww", "-o", "pid=,ppid=,pgid=,stat=,command="])
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else { return Vec::new() };
    String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| row(line, mark)).collect()
}

fn row(line: &str, mark: &str) -> Option<Row> {
    let mut words = line.split_ascii_whitespace();
    Some(Row {
        pid: words.next()?.parse().ok()?,
        parent: words.next()?.parse().ok()?,
        group: words.next()?.parse().ok()?,
        ended: words.next()?.starts_with('Z'),
        marked: words.any(|word| word.starts_with(mark)),
    })
}
