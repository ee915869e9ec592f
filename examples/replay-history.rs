//! Tries the gate on the merged topics of a real history.
//!
//!     cargo run --release --example replay-history -- <clone> [--topics 300]
//!
//! Takes the newest merges of the first-parent line whose base had moved by then, has each topic approved
//! as it was on its own base, and asks whether its rebase (where git picks every commit cleanly), its
//! squash and its merge are let in, and whether the same with one byte more is kept out. Prints a table;
//! exits with 1 if any answer is wrong. All that it writes is in a scratch repository over the clone's objects.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "an experiment that cannot go on has failed"
)]

use git_flow_ai::domain::change::{Author, Vendor};
use git_flow_ai::domain::policy::Policy;
use git_flow_ai::domain::rival::Rival;
use git_flow_ai::domain::verdict::{Decision, Shown, Verdict};
use git_flow_ai::gate::admit::{self, Candidate, New, Ruling};
use git_flow_ai::gate::store::{Repo, changes, verdicts};
use gix::ObjectId;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The bare repository in which all is tried.
struct Scratch {
    dir: tempfile::TempDir,
    repo: Repo,
}

/// What came of one kind of question: how often it was asked, and of which merges the answer was wrong.
#[derive(Default)]
struct Tally {
    asked: usize,
    wrong: Vec<ObjectId>,
}

impl Tally {
    fn count(&mut self, merge: ObjectId, is_right: bool) {
        self.asked += 1;
        if !is_right {
            self.wrong.push(merge);
        }
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let clone = PathBuf::from(args.next().expect("usage: replay-history <clone> [--topics 300]"));
    let topics = match (args.next().as_deref(), args.next()) {
        (Some("--topics"), Some(number)) => number.parse().expect("a number of topics"),
        _ => 300,
    };
    let scratch = Scratch::over(&clone);
    let (mut seen, mut crossed, mut conflicts) = (0, 0, 0);
    let [mut rebases, mut squashes, mut merges, mut changed, mut resolved, mut lossy] =
        std::array::from_fn(|_| Tally::default());
    for line in scratch.git(&["rev-list", "--first-parent", "--merges", "--parents", "main"]).lines() {
        let ids: Vec<ObjectId> = line.split(' ').map(id).collect();
        let [merge, main, topic] = ids[..] else { continue };
        let bases = scratch.repo.merge_bases(main, &[topic]).unwrap();
        if bases == [main] || bases.is_empty() {
            continue;
        }
        let Ok(change) = changes::since(&scratch.repo, main, topic) else { continue };
        if seen == topics {
            break;
        }
        seen += 1;
        crossed += usize::from(bases.len() > 1);
        scratch.approve(topic, change.base_tree);
        let made = scratch.repo.commit(merge).unwrap().tree;
        let whole = scratch.merge(&[main, topic]);
        match whole {
            Some(tree) => {
                squashes.count(merge, scratch.lets_in(main, scratch.commit(tree, main)));
                let of_git = if tree == made { merge } else { scratch.commit_merge(tree, &[main, topic]) };
                merges.count(merge, scratch.lets_in(main, of_git));
                if tree != made {
                    resolved.count(merge, !scratch.lets_in(main, merge));
                }
            }
            None => resolved.count(merge, !scratch.lets_in(main, merge)),
        }
        match scratch.rebase(main, topic) {
            Some(tip) if tip != main => {
                let last = scratch.repo.commit(tip).unwrap();
                // A rebase drops what the topic's own merges of the target had resolved by hand.
                if whole.is_some() && whole != Some(last.tree) {
                    lossy.count(merge, !scratch.lets_in(main, tip));
                    continue;
                }
                rebases.count(merge, scratch.lets_in(main, tip));
                let other = scratch.with_one_byte_more(main, last.tree);
                let amended = scratch.commit(other, last.parents[0]);
                changed.count(merge, !scratch.lets_in(main, amended));
                changed.count(merge, !scratch.lets_in(main, scratch.commit(other, tip)));
            }
            Some(_) => {}
            None => conflicts += 1,
        }
    }
    println!("{seen} topics, {crossed} of them criss-crossed; {conflicts} do not rebase cleanly");
    let mut all_right = seen > 0;
    for (what, tally) in [
        ("clean rebases let in", rebases),
        ("clean squashes let in", squashes),
        ("clean merges let in", merges),
        ("merges with content of their own kept out", resolved),
        ("rebases that lose a resolution kept out", lossy),
        ("rebases with one byte more kept out", changed),
    ] {
        println!("{:>5} of {:>5} {what}", tally.asked - tally.wrong.len(), tally.asked);
        for merge in &tally.wrong {
            println!("               not: {merge}");
        }
        all_right &= tally.wrong.is_empty();
    }
    if all_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn id(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.as_bytes()).unwrap_or_else(|_| panic!("`{hex}` is no object id"))
}

impl Scratch {
    /// One whose `main` is the clone's HEAD.
    fn over(clone: &Path) -> Scratch {
        let dir = tempfile::Builder::new().prefix("replay-history-").tempdir().unwrap();
        let of_clone = |args: &[&str]| output(Command::new("git").arg("-C").arg(clone).args(args));
        let tip = of_clone(&["rev-parse", "HEAD"]);
        let objects = of_clone(&["rev-parse", "--path-format=absolute", "--git-path", "objects"]);
        output(
            Command::new("git").args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(dir.path()),
        );
        std::fs::create_dir_all(dir.path().join("objects/info")).unwrap();
        std::fs::write(dir.path().join("objects/info/alternates"), format!("{objects}\n")).unwrap();
        for (key, value) in
            [("user.name", "Ada Lovelace"), ("user.email", "ada@example.com"), ("gc.auto", "0")]
        {
            output(Command::new("git").arg("-C").arg(dir.path()).args(["config", key, value]));
        }
        output(Command::new("git").arg("-C").arg(dir.path()).args(["update-ref", "refs/heads/main", &tip]));
        let repo = Repo::open(dir.path()).unwrap();
        Scratch { dir, repo }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.dir.path()).args(args);
        command
    }

    fn git(&self, args: &[&str]) -> String {
        output(&mut self.command(args))
    }

    /// Has a change approved that ends in that commit, and no other.
    fn approve(&self, head: ObjectId, base_tree: ObjectId) {
        self.git(&["update-ref", "-d", "refs/notes/flow-ai"]);
        let author = |name: &str| Author { name: name.into(), vendor: Vendor::new(name), model: None };
        let verdict = Verdict {
            decision: Decision::Approve,
            base_tree,
            head_tree: self.repo.commit(head).unwrap().tree,
            base_commit: None,
            head_commit: Some(head),
            target: "main".into(),
            authors: vec![author("person")],
            reviewer: author("history"),
            policy: "0".repeat(64),
            shown: Shown { sha256: "0".repeat(64), bytes: 1, ..Shown::default() },
            again: 0,
            findings: Vec::new(),
            summary: "As it was merged.".into(),
            time: "2026-01-01T00:00:00Z".parse().unwrap(),
            cost: None,
            tokens: None,
            signature: None,
        };
        verdicts::append(&self.repo, head, &verdict).unwrap();
    }

    fn lets_in(&self, old: ObjectId, new: ObjectId) -> bool {
        let candidate = Candidate { branch: "main".into(), old, new: New::Commit(new), accepted: None };
        // Who made it all is another question.
        let policy = Policy { rival: Rival::Any, ..Policy::default() };
        let ruling = admit::admit_under(&self.repo, &candidate, &policy).unwrap();
        matches!(ruling, Ruling::Allow(_))
    }

    /// The tree that git merges these to, with these options; none on a conflict.
    fn merge_tree(&self, args: &[String]) -> Option<ObjectId> {
        let mut command = self.command(&["merge-tree", "--write-tree", "--no-messages"]);
        let output = command.args(args).output().unwrap();
        output.status.success().then(|| id(String::from_utf8_lossy(&output.stdout).trim()))
    }

    fn merge(&self, sides: &[ObjectId; 2]) -> Option<ObjectId> {
        self.merge_tree(&sides.map(|side| side.to_string()))
    }

    /// The tip of the topic's commits, picked one by one onto another commit; none on a conflict.
    fn rebase(&self, onto: ObjectId, topic: ObjectId) -> Option<ObjectId> {
        let range = format!("{onto}..{topic}");
        let mut tip = onto;
        for commit in self.git(&["rev-list", "--reverse", "--topo-order", "--no-merges", &range]).lines() {
            let parent = *self.repo.commit(id(commit)).unwrap().parents.first()?;
            let base = format!("--merge-base={parent}");
            let tree = self.merge_tree(&[base, tip.to_string(), commit.to_owned()])?;
            // What is in already is left out, as a rebase does.
            if tree != self.repo.commit(tip).unwrap().tree {
                tip = self.commit(tree, tip);
            }
        }
        Some(tip)
    }

    fn commit(&self, tree: ObjectId, parent: ObjectId) -> ObjectId {
        self.commit_merge(tree, &[parent])
    }

    fn commit_merge(&self, tree: ObjectId, parents: &[ObjectId]) -> ObjectId {
        self.repo.write_commit(tree, parents, "As it is tried\n").unwrap()
    }

    /// The tree with a space at the end of a file that differs from that commit's.
    fn with_one_byte_more(&self, main: ObjectId, tree: ObjectId) -> ObjectId {
        let (main, tree) = (main.to_string(), tree.to_string());
        let changed = self.git(&["diff-tree", "-r", "--no-renames", "--diff-filter=AM", &main, &tree]);
        let line = changed.lines().find(|line| line.contains(" 100")).map(str::to_owned);
        let (mode, blob, path) = match &line {
            Some(line) => {
                let (entry, path) = line.split_once('\t').unwrap();
                let words: Vec<&str> = entry.split(' ').collect();
                (words[1], words[3], path)
            }
            None => ("100644", "", "one-byte-more"),
        };
        let mut text = match blob {
            "" => Vec::new(),
            blob => self.command(&["cat-file", "blob", blob]).output().unwrap().stdout,
        };
        text.push(b' ');
        let (file, index) =
            (self.dir.path().join("one-byte-more"), self.dir.path().join("one-byte-more.index"));
        std::fs::write(&file, text).unwrap();
        let blob = output(self.command(&["hash-object", "-w"]).arg(&file));
        let in_index = |args: &[&str]| output(self.command(args).env("GIT_INDEX_FILE", &index));
        in_index(&["read-tree", &tree]);
        in_index(&["update-index", "--add", "--cacheinfo", mode, &blob, path.trim_matches('"')]);
        id(&in_index(&["write-tree"]))
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
