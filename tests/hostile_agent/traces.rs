//! What is outside of every worktree, before and after: nothing of it may change.

use super::machine::Machine;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// By name: refs, files with mode, time and content, what git says.
pub type Traces = BTreeMap<String, String>;

/// What our own runs write, below the repository's git directory.
const OURS: &[&str] = &[
    "objects",
    "flow-ai",
    "refs",
    "packed-refs",
    "logs/refs/heads/flow",
    "logs/refs/flow-ai",
    "logs/refs/notes",
    "index",
];

/// The notes, which nobody but us may have written: what else than test records they hold.
const NOTES: &str = "refs/notes/flow-ai";

/// Takes them.
pub fn of(machine: &Machine) -> Traces {
    let mut traces = Traces::new();
    let git = machine.place.repo().join(".git");
    for line in machine.git(&["for-each-ref", "--format=%(refname) %(objectname)"]).stdout.lines() {
        let (name, id) = line.split_once(' ').unwrap();
        if name == NOTES {
            let noted = machine.git(&["log", "-p", "--format=%s", NOTES]).stdout;
            let added = noted.lines().filter_map(|line| line.strip_prefix('+'));
            let is_record = |line: &&str| {
                line.starts_with("TEST ") || line.starts_with('{') && line.contains("\"kind\":\"test\"")
            };
            let others: Vec<&str> =
                added.filter(|line| !line.starts_with("++") && !is_record(line)).collect();
            if !others.is_empty() {
                traces.insert(format!("ref {name}"), others.join("\n"));
            }
            continue;
        }
        if !name.starts_with("refs/heads/flow/demo/") && !name.starts_with("refs/flow-ai/") {
            traces.insert(format!("ref {name}"), id.to_owned());
        }
    }
    for args in [
        &["symbolic-ref", "HEAD"][..],
        &["config", "--list", "--show-scope"],
        &["worktree", "list", "--porcelain"],
        &["status", "--porcelain"],
        &["-C", "../beside", "status", "--porcelain"],
        &["stash", "list"],
        &["show", "flow/demo/spec:request.md"],
        &["fsck", "--strict", "--no-dangling", "--no-progress"],
    ] {
        let out = machine.git(args);
        let said = out.stdout + &out.stderr;
        // A link in an agent's commit is worth a warning to fsck, and is no fault of the repository.
        let said: Vec<&str> = said.lines().filter(|line| !line.starts_with("warning in ")).collect();
        traces.insert(format!("git {}", args.join(" ")), said.join("\n"));
    }
    let plan =
        machine.git(&["show", "flow/demo/spec:plan.md"]).stdout.replace("[x]", "[ ]").replace("[>]", "[ ]");
    traces.insert("plan".into(), plan);
    let root = machine.root();
    add(&mut traces, root, &git, &|path| OURS.iter().any(|ours| path.starts_with(git.join(ours))));
    add(&mut traces, root, &git.join("objects/info"), &|path| path.ends_with("commit-graphs"));
    for folder in ["home", "beside", "open", "private.git", "ran", "tmp"] {
        add(&mut traces, root, &root.join(folder), &|_| false);
    }
    add(&mut traces, root, &machine.place.repo(), &|path| path == git);
    for entry in fs::read_dir(root).unwrap() {
        let name = entry.unwrap().file_name();
        // Worktrees that hold what no commit can stay there.
        if name != ".repo.flow-ai" {
            traces.insert(format!("beside it: {}", name.display()), String::new());
        }
    }
    for folder in
        ["/tmp", "/var/tmp", "/dev/shm", "/etc", "/etc/cron.d", "/usr/bin", "/opt", "/srv", "/boot", "/"]
    {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if ["by-", "fill", "heir-"].iter().any(|start| name.starts_with(start)) {
                traces.insert(format!("{folder}/{name}"), String::new());
            }
        }
    }
    traces
}

/// All files below, but those.
fn add(traces: &mut Traces, root: &Path, path: &Path, but: &dyn Fn(&Path) -> bool) {
    if but(path) {
        return;
    }
    let Ok(data) = path.symlink_metadata() else { return };
    let kind = data.file_type();
    let content = if kind.is_symlink() {
        fs::read_link(path).unwrap().display().to_string()
    } else if kind.is_file() {
        let digest = Sha256::digest(fs::read(path).unwrap_or_default());
        format!("{} of {}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), data.mtime())
    } else if kind.is_dir() {
        String::new()
    } else {
        format!("socket: {}", kind.is_socket())
    };
    let name = path.strip_prefix(root).unwrap().display().to_string();
    traces.insert(name, format!("{:o} {}:{} {content}", data.mode(), data.uid(), data.gid()));
    if kind.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            add(traces, root, &entry.path(), but);
        }
    }
}

/// What differs, a line each.
pub fn differences(before: &Traces, after: &Traces) -> Vec<String> {
    let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
    let new = after.iter().filter(|(name, _)| !before.contains_key(*name));
    let other = before.iter().filter(|(name, text)| after.get(*name).is_some_and(|now| now != *text));
    gone.map(|(name, _)| format!("gone: {name}"))
        .chain(new.map(|(name, text)| format!("new: {name} {text}")))
        .chain(other.map(|(name, text)| format!("changed: {name}\n  {text}\n  {}", after[name])))
        .collect()
}

/// The processes that an attack left: by its user, by the number for which it sleeps, or by its place.
pub fn processes(machine: &Machine) -> Vec<String> {
    let root = machine.root().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let read = |name: &str| super::machine::text(&entry.path().join(name));
        let (line, stat) = (read("cmdline").replace('\0', " "), read("stat"));
        let is_dead = stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']));
        let is_of_user = machine.user.is_some()
            && fs::metadata(entry.path()).is_ok_and(|data| Some(data.uid()) == machine.user);
        let is_here = line.contains(&machine.forever)
            || line.contains(&root)
            || read("environ").contains(&root) && pid != std::process::id()
            || fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&root));
        if !is_dead && pid != machine.victim() && (is_of_user || is_here) {
            found.push(format!("{pid} {line}"));
        }
    }
    found
}
