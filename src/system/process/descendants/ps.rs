//! The census from `ps -E`, for systems without `/proc`.
//!
//! One process a look, and only where something was stopped or has ended.

use super::{Pid, roots};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Nothing to prepare: orphans go to the first process here.
pub fn prepare() {}

/// The living processes of the tree of that root, which may have been waited for.
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

/// The children of a process: none, since nothing here holds a tree together.
pub fn children(_: Pid) -> Vec<Pid> {
    Vec::new()
}

/// Whether a process is a child of ours, and nobody else who got its number.
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
    let output = Command::new("ps")
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
