//! Tries the gate on the merged topics of real histories.
//!
//!     cargo run --release --example replay-history -- [--last 300] <clone>...
//!
//! Of all clones together it takes the newest merges of the first-parent line whose base had moved by then,
//! and which are clean: git's own merge makes the tree that was merged. Each topic is approved as it was on
//! its own base, with its commits shown. Then: is the real merge let in, a squash, a rebase where git picks
//! every commit cleanly, and an autosquash of its last commit? And is the same with one byte more kept out?
//!
//! Prints a table, and why anything was refused. Exits with 1 if less than 98 in 100 enter by merge or by
//! squash, or anything else enters. What a clone lacks (it is shallow, or partial) is skipped and counted.
//! All that is written is in scratch repositories over the clones' objects.

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
use git_flow_ai::domain::verdict::{Decision, Shown, ShownWay, Verdict};
use git_flow_ai::gate::admit::{self, Candidate, New, Ruling};
use git_flow_ai::gate::store::{Repo, trees, verdicts};
use gix::ObjectId;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// How many of a hundred topics have to enter by merge, and by squash.
const GOAL: usize = 98;

/// A merge of a first-parent line.
struct Topic {
    /// Which clone it is in.
    of: usize,
    time: i64,
    merge: ObjectId,
    main: ObjectId,
    head: ObjectId,
}

/// What came of one kind of question: how often it was asked, and where the answer was no.
#[derive(Default)]
struct Tally {
    asked: usize,
    refused: Vec<(ObjectId, String)>,
}

impl Tally {
    fn count(&mut self, merge: ObjectId, ruling: Result<(), String>) {
        self.asked += 1;
        self.refused.extend(ruling.err().map(|why| (merge, why)));
    }

    fn print(&self, what: &str) {
        let let_in = self.asked - self.refused.len();
        let share = 100.0 * let_in as f64 / self.asked.max(1) as f64;
        println!("{let_in:>5} of {:>5} ({share:.1} %) let in by {what}", self.asked);
    }

    fn print_reasons(&self, what: &str) {
        for (merge, why) in &self.refused {
            println!("      {what} {}: {why}", merge.to_hex_with_len(12));
        }
    }

    fn is_enough(&self) -> bool {
        (self.asked - self.refused.len()) * 100 >= self.asked * GOAL
    }
}

/// All that is counted.
#[derive(Default)]
struct Report {
    topics: usize,
    lacking: usize,
    own_content: usize,
    crossed: usize,
    conflicting: usize,
    lossy: usize,
    merges: Tally,
    squashes: Tally,
    rebases: Tally,
    autosquashes: Tally,
    changed: Tally,
}

fn main() -> ExitCode {
    let mut clones: Vec<PathBuf> = Vec::new();
    let mut last = 300;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--last" => last = args.next().and_then(|number| number.parse().ok()).expect("--last <number>"),
            clone => clones.push(clone.into()),
        }
    }
    assert!(!clones.is_empty(), "usage: replay-history [--last 300] <clone>...");
    let scratches: Vec<Scratch> = clones.iter().map(|clone| Scratch::over(clone)).collect();
    let all = scratches.iter().enumerate().flat_map(|(of, scratch)| scratch.topics(of));
    let mut all: Vec<Topic> = all.collect();
    all.sort_by_key(|topic| std::cmp::Reverse(topic.time));
    let mut report = Report::default();
    for topic in all {
        if report.topics == last {
            break;
        }
        report.add(&scratches[topic.of], &topic);
    }
    report.print()
}

impl Report {
    fn add(&mut self, scratch: &Scratch, topic: &Topic) {
        let Topic { merge, main, head, .. } = *topic;
        let is_here =
            |commit: ObjectId| scratch.repo.commit(commit).is_ok_and(|commit| scratch.repo.has(commit.tree));
        let bases = match [merge, main, head].into_iter().all(is_here) {
            true => scratch.repo.merge_bases(main, &[head]).unwrap_or_default(),
            false => Vec::new(),
        };
        match bases[..] {
            [base] if base == main => return,
            [] => return self.lacking += 1,
            [base] if !is_here(base) => return self.lacking += 1,
            [_] => {}
            _ => return self.crossed += 1,
        }
        let tree = scratch.repo.commit(merge).unwrap().tree;
        if scratch.merge(bases[0], main, head) != Some(tree) {
            return self.own_content += 1;
        }
        self.topics += 1;
        let way = scratch.way(bases[0], head);
        scratch.approve(bases[0], head, &way);
        self.merges.count(merge, scratch.ruling(main, merge));
        self.squashes.count(merge, scratch.ruling(main, scratch.commit(tree, &[main], "squash")));
        let other = scratch.with_one_byte_more(main, tree);
        self.changed.count(merge, scratch.ruling(main, scratch.commit(other, &[main, head], "merge")));
        let picks: Vec<ObjectId> = way
            .iter()
            .copied()
            .filter(|commit| scratch.repo.commit(*commit).unwrap().parents.len() == 1)
            .collect();
        match scratch.rebase(main, &picks) {
            None => self.conflicting += 1,
            // A rebase drops what the topic's own merges had resolved by hand.
            Some(tip) if scratch.tree(tip) != tree => self.lossy += 1,
            Some(tip) => {
                self.rebases.count(merge, scratch.ruling(main, tip));
                let more = scratch.commit(other, &[tip], "more");
                self.changed.count(merge, scratch.ruling(main, more));
                if picks.len() == way.len() {
                    self.autosquash(scratch, topic, bases[0], &picks, tree);
                }
            }
        }
    }

    /// The same topic, had its last commit been a fixup of the one that last touched the same files.
    fn autosquash(
        &mut self,
        scratch: &Scratch,
        topic: &Topic,
        base: ObjectId,
        picks: &[ObjectId],
        tree: ObjectId,
    ) {
        let Some((last, others)) = picks.split_last() else { return };
        let touched = scratch.touched(*last);
        let Some(at) = others.iter().rposition(|commit| !scratch.touched(*commit).is_disjoint(&touched))
        else {
            return;
        };
        let subject = scratch.repo.commit(others[at]).unwrap().subject().to_owned();
        let fixup =
            scratch.commit(scratch.tree(*last), &[others[others.len() - 1]], &format!("fixup! {subject}"));
        let way: Vec<ObjectId> = others.iter().copied().chain([fixup]).collect();
        scratch.approve(base, fixup, &way);
        // Melted into that one: the step from before it to behind the fixup.
        let (first, after) = others.split_at(at + 1);
        let squashed = scratch.rebase(topic.main, first).and_then(|tip| {
            let before = scratch.repo.commit(tip).unwrap();
            let melted = scratch.pick(tip, fixup)?;
            let melted = scratch.commit(scratch.tree(melted), &before.parents, before.subject());
            scratch.rebase(melted, after)
        });
        if let Some(tip) = squashed.filter(|tip| scratch.tree(*tip) == tree) {
            self.autosquashes.count(topic.merge, scratch.ruling(topic.main, tip));
        }
    }

    fn print(&self) -> ExitCode {
        let Report { topics, lacking, own_content, crossed, conflicting, lossy, .. } = self;
        println!(
            "{topics} clean topics whose base had moved. Not among them: {own_content} merges with content of their own,"
        );
        println!("{crossed} criss-crossed, {lacking} that are not wholly here.");
        println!("{conflicting} do not rebase cleanly, {lossy} end elsewhere when rebased.");
        let told = [
            ("merge", &self.merges),
            ("squash", &self.squashes),
            ("rebase", &self.rebases),
            ("autosquash", &self.autosquashes),
        ];
        told.iter().for_each(|(what, tally)| tally.print(what));
        self.changed.print("one byte more");
        told.iter().for_each(|(what, tally)| tally.print_reasons(what));
        let is_tight = self.changed.refused.len() == self.changed.asked;
        match *topics > 0 && self.merges.is_enough() && self.squashes.is_enough() && is_tight {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }
}

/// A bare repository over a clone's objects, in which all is tried.
struct Scratch {
    dir: tempfile::TempDir,
    repo: Repo,
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
        // Where it ends early is part of what it is.
        std::fs::copy(clone.join("shallow"), dir.path().join("shallow")).ok();
        let git = |args: &[&str]| output(Command::new("git").arg("-C").arg(dir.path()).args(args));
        for (key, value) in
            [("user.name", "Ada Lovelace"), ("user.email", "ada@example.com"), ("gc.auto", "0")]
        {
            git(&["config", key, value]);
        }
        git(&["update-ref", "refs/heads/main", &tip]);
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

    /// The merges of two on the first-parent line.
    fn topics(&self, of: usize) -> Vec<Topic> {
        let log = self.git(&["log", "--first-parent", "--merges", "--format=%ct %H %P", "main"]);
        let topic = |line: &str| {
            let (time, ids) = line.split_once(' ')?;
            let ids: Vec<ObjectId> = ids.split(' ').map(id).collect();
            let [merge, main, head] = ids[..] else { return None };
            Some(Topic { of, time: time.parse().ok()?, merge, main, head })
        };
        log.lines().filter_map(topic).collect()
    }

    /// The commits from a base to a head, the oldest first.
    fn way(&self, base: ObjectId, head: ObjectId) -> Vec<ObjectId> {
        let range = format!("{base}..{head}");
        self.git(&["rev-list", "--reverse", "--topo-order", &range]).lines().map(id).collect()
    }

    fn tree(&self, commit: ObjectId) -> ObjectId {
        self.repo.commit(commit).unwrap().tree
    }

    /// The paths that a commit with one parent changes.
    fn touched(&self, commit: ObjectId) -> BTreeSet<Vec<u8>> {
        let parent = self.repo.commit(commit).unwrap().parents[0];
        let changed = trees::changed(&self.repo, self.tree(parent), self.tree(commit)).unwrap();
        changed.into_iter().map(|changed| changed.path).collect()
    }

    /// Has a change approved with its commits shown, and no other.
    fn approve(&self, base: ObjectId, head: ObjectId, way: &[ObjectId]) {
        self.git(&["update-ref", "-d", "refs/notes/flow-ai"]);
        let author = |name: &str| Author { name: name.into(), vendor: Vendor::new(name), model: None };
        let way = ShownWay { commits: way.to_vec(), sha256: "0".repeat(64), bytes: 1 };
        let verdict = Verdict {
            decision: Decision::Approve,
            base_tree: self.tree(base),
            head_tree: self.tree(head),
            base_commit: Some(base),
            head_commit: Some(head),
            target: "main".into(),
            authors: vec![author("person")],
            reviewer: author("history"),
            policy: "0".repeat(64),
            shown: Shown { sha256: "0".repeat(64), bytes: 1, way: Some(way), ..Shown::default() },
            purpose: None,
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

    /// Whether the gate lets `main` go from one commit to another, else why not.
    fn ruling(&self, old: ObjectId, new: ObjectId) -> Result<(), String> {
        let candidate = Candidate { branch: "main".into(), old, new: New::Commit(new), accepted: None };
        // Who made it all is another question.
        let reviewers = vec![Author { name: "history".into(), vendor: Vendor::new("history"), model: None }];
        let policy = Policy { rival: Rival::Any, reviewers, ..Policy::default() };
        match admit::admit_under(&self.repo, &candidate, &policy) {
            Ok(Ruling::Allow(_)) => Ok(()),
            Ok(Ruling::Refuse(refusal)) => Err(refusal.why),
            Err(error) => Err(format!("cannot tell: {error:#}")),
        }
    }

    /// What git makes of `base → theirs` onto `ours`; none on a conflict.
    fn merge(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Option<ObjectId> {
        let mut command = self.command(&["merge-tree", "--write-tree", "--no-messages"]);
        command.args([format!("--merge-base={base}"), ours.to_string(), theirs.to_string()]);
        let output = command.output().unwrap();
        output.status.success().then(|| id(String::from_utf8_lossy(&output.stdout).trim()))
    }

    /// A commit with one parent, picked onto another one; that one itself where nothing is left of it.
    fn pick(&self, onto: ObjectId, commit: ObjectId) -> Option<ObjectId> {
        let parent = self.repo.commit(commit).unwrap().parents[0];
        let tree = self.merge(parent, onto, commit)?;
        Some(if tree == self.tree(onto) { onto } else { self.commit(tree, &[onto], "pick") })
    }

    /// The tip of these commits, picked one by one; none on a conflict.
    fn rebase(&self, onto: ObjectId, commits: &[ObjectId]) -> Option<ObjectId> {
        commits.iter().try_fold(onto, |tip, commit| self.pick(tip, *commit))
    }

    fn commit(&self, tree: ObjectId, parents: &[ObjectId], subject: &str) -> ObjectId {
        self.repo.write_commit(tree, parents, &format!("{subject}\n")).unwrap()
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

fn id(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.as_bytes()).unwrap_or_else(|_| panic!("`{hex}` is no object id"))
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
