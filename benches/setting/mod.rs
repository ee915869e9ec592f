//! A repository to measure in, away from the machine's own git configuration.

use git_flow_ai::domain::change::{Author, Vendor};
use git_flow_ai::domain::verdict::{Decision, Shown, ShownWay, Verdict, record};
use git_flow_ai::gate::store::{Repo, verdicts};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A config whose gate protects `main`.
pub const CONFIG: &str = "version = 1\n[reviewers.two]\napi = \"openai\"\nmodel = \"m-1\"\nvendor = \"umbrella\"\n[gate]\nbranches = [\"main\"]\n";

/// A repository.
pub struct Setting {
    root: tempfile::TempDir,
}

impl Setting {
    /// One with a history of 2,000 commits on `main`.
    pub fn new() -> Setting {
        let setting = Setting { root: tempfile::tempdir().unwrap() };
        std::fs::create_dir(setting.repo()).unwrap();
        setting.git(&["init", "--quiet", "--initial-branch=main"]);
        let mut stream = String::new();
        for n in 0..2000 {
            write!(
                stream,
                "commit refs/heads/main\ncommitter Ada <ada@example.com> {} +0000\ndata 1\nc\n",
                1_700_000_000 + n
            )
            .unwrap();
            if n == 0 {
                write!(stream, "M 100644 inline .zenflow/config.toml\ndata {}\n{CONFIG}\n", CONFIG.len())
                    .unwrap();
            }
            write!(stream, "M 100644 inline src/{}.txt\ndata 5\n{n:05}\n", n % 300).unwrap();
        }
        setting.import(&stream);
        setting
    }

    /// The repository's folder.
    pub fn repo(&self) -> PathBuf {
        self.root.path().join("repo")
    }

    /// A command in the repository.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.com")
            .current_dir(self.repo())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Our program.
    pub fn ours(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_git-flow-ai"))
    }

    /// What git prints, trimmed.
    pub fn git(&self, args: &[&str]) -> String {
        let output = self.command("git").args(args).stdout(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Runs a command so many times; it must succeed.
    pub fn repeat(&self, times: usize, command: &mut Command) {
        for _ in 0..times {
            assert!(command.status().unwrap().success(), "{command:?}");
        }
    }

    /// Writes a file beside the repository.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A branch of one commit that a rival has approved, among 1,000 other verdicts: main's tip and
    /// the branch's.
    pub fn reviewed_change(&self) -> (String, String) {
        let old = self.git(&["rev-parse", "main"]);
        self.import(&format!(
            "commit refs/heads/topic\ncommitter Ada <ada@example.com> 1800000000 +0000\ndata 1\nt\nfrom {old}\n\
             M 100644 inline src/new.txt\ndata 4\nnew\n\n"
        ));
        let new = self.git(&["rev-parse", "topic"]);
        let repo = Repo::open(&self.repo()).unwrap();
        for other in self.git(&["rev-list", "--max-count=1000", "--skip=1", "main"]).lines() {
            self.approve(&repo, other, other);
        }
        self.approve(&repo, &old, &new);
        (old, new)
    }

    /// So many more commits on a branch from that one. Returns its tip.
    pub fn line(&self, branch: &str, from: &str, commits: usize) -> String {
        self.versions(branch, from, commits, |n| (n % 300, format!("{n:05}")))
    }

    /// The same, each of which writes that text into the file of that number.
    pub fn versions(
        &self,
        branch: &str,
        from: &str,
        commits: usize,
        write: impl Fn(usize) -> (usize, String),
    ) -> String {
        let mut stream = String::new();
        for n in 0..commits {
            let from = if n == 0 { format!("from {from}\n") } else { String::new() };
            let (file, text) = write(n);
            write!(
                stream,
                "commit refs/heads/{branch}\ncommitter Ada <ada@example.com> {} +0000\ndata 1\nt\n{from}\
                 M 100644 inline {branch}/{file}.txt\ndata {}\n{text}\n",
                1_700_010_000 + n,
                text.len()
            )
            .unwrap();
        }
        self.import(&stream);
        self.git(&["rev-parse", branch])
    }

    /// A verdict on each commit of a range without merges, as `review` writes it.
    pub fn judge(&self, range: &str) {
        let repo = Repo::open(&self.repo()).unwrap();
        for verdict in self.verdicts_on(range) {
            verdicts::append(&repo, verdict.head_commit.unwrap(), &verdict).unwrap();
        }
    }

    /// The same in one commit of the notes, without the index.
    pub fn judge_at_once(&self, range: &str) {
        let mut stream = String::from(
            "commit refs/notes/flow-ai\ncommitter Ada <ada@example.com> 1790000001 +0000\ndata 1\nn\n",
        );
        for verdict in self.verdicts_on(range) {
            let on = verdict.head_commit.unwrap().to_string();
            note(&mut stream, &on, &record::encode(&verdict).unwrap());
        }
        self.import(&stream);
    }

    fn verdicts_on(&self, range: &str) -> Vec<Verdict> {
        let mut base_tree =
            self.git(&["rev-parse", &format!("{}^{{tree}}", range.split("..").next().unwrap())]);
        let mut verdicts = Vec::new();
        for line in self.git(&["log", "--reverse", "--format=%H %T %P", range]).lines() {
            let [commit, tree, parent] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let mut verdict = self.verdict(&base_tree, tree);
            verdict.base_commit = Some(parent.parse().unwrap());
            verdict.head_commit = Some(commit.parse().unwrap());
            let commits = vec![commit.parse().unwrap()];
            verdict.shown.way = Some(ShownWay { commits, sha256: "0".repeat(64), bytes: 1 });
            verdicts.push(verdict);
            base_tree = tree.to_owned();
        }
        verdicts
    }

    fn approve(&self, repo: &Repo, base: &str, head: &str) {
        let (base, head) = (repo.commit_of(base).unwrap(), repo.commit_of(head).unwrap());
        let mut verdict = self.verdict(&base.tree.to_string(), &head.tree.to_string());
        (verdict.base_commit, verdict.head_commit) = (Some(base.id), Some(head.id));
        verdicts::append(repo, head.id, &verdict).unwrap();
    }

    /// Has the change from one commit to another approved.
    pub fn verdict_on(&self, base: &str, head: &str) {
        self.approve(&Repo::open(&self.repo()).unwrap(), base, head);
    }

    /// A rival's approval of what goes from one tree to another.
    pub fn verdict(&self, base_tree: &str, head_tree: &str) -> Verdict {
        Verdict {
            decision: Decision::Approve,
            base_tree: base_tree.parse().unwrap(),
            head_tree: head_tree.parse().unwrap(),
            base_commit: None,
            head_commit: None,
            target: "main".into(),
            authors: vec![author("Ada <ada@example.com>", "person")],
            reviewer: author("two", "umbrella"),
            policy: "0".repeat(64),
            shown: Shown {
                sha256: "0".repeat(64),
                bytes: 1,
                files: vec!["src/new.txt".into()],
                ..Shown::default()
            },
            purpose: None,
            again: 0,
            findings: Vec::new(),
            summary: "Fine.".into(),
            time: "2026-11-21T10:00:00Z".parse().unwrap(),
            cost: None,
            tokens: None,
            signature: None,
        }
    }

    /// A commit on a branch of its own that writes one file.
    pub fn commit(&self, branch: &str, parent: &str, path: &str, text: &str) -> String {
        self.import(&format!(
            "commit refs/heads/{branch}\ncommitter Ada <ada@example.com> 1800000000 +0000\ndata 1\nt\n\
             from {parent}\nM 100644 inline {path}\ndata {}\n{text}\n\n",
            text.len()
        ));
        self.git(&["rev-parse", branch])
    }

    /// So many specs, each on its branch.
    pub fn specs(&self, count: usize) {
        let plan = "# Spec and Build\n\n### [x] Step: One\n<!-- id: one -->\nDo.\n\n### [ ] Step: Two\n<!-- id: two -->\nDo.\n";
        let mut stream = String::new();
        for n in 0..count {
            let message = "Begin\n\nFlow-Workflow: spec\n";
            let title = format!("# Change {n}\n\nPlease.\n");
            write!(
                stream,
                "commit refs/heads/flow/change-{n:04}/spec\ncommitter Ada <ada@example.com> 1800000000 +0000\n\
                 data {}\n{message}\n",
                message.len()
            )
            .unwrap();
            for (name, text) in
                [("request.md", title.as_str()), ("plan.md", plan), ("spec.md", &title.repeat(30))]
            {
                write!(stream, "M 100644 inline {name}\ndata {}\n{text}\n", text.len()).unwrap();
            }
        }
        self.import(&stream);
        // As they are when each was written on its own: loose.
        let pack = self.repo().join(".git/objects/pack");
        let packs: Vec<PathBuf> = packs(&pack);
        for path in &packs {
            std::fs::rename(path, self.root.path().join(path.file_name().unwrap())).unwrap();
        }
        for path in packs.iter().filter(|path| path.extension().is_some_and(|extension| extension == "pack"))
        {
            let moved = std::fs::File::open(self.root.path().join(path.file_name().unwrap())).unwrap();
            self.repeat(1, self.command("git").args(["unpack-objects", "-q"]).stdin(moved));
        }
    }

    /// Packs refs and objects.
    pub fn pack(&self) {
        self.git(&["pack-refs", "--all"]);
        self.git(&["repack", "-q", "-a", "-d"]);
    }

    /// A branch `topic`, checked out, with so many commits that a rebase onto `main` replays, and a tag
    /// `start` to go back to.
    pub fn topic(&self, commits: usize) {
        let mut stream = String::new();
        for n in 0..commits {
            let from = if n == 0 { "from refs/heads/main~1\n" } else { "" };
            writeln!(
                stream,
                "commit refs/heads/topic\ncommitter Ada <ada@example.com> {} +0000\ndata 1\nt\n{from}\
                 M 100644 inline topic/{n}.txt\ndata 5\n{n:05}",
                1_700_010_000 + n
            )
            .unwrap();
        }
        self.import(&stream);
        self.git(&["tag", "start", "topic"]);
        self.git(&["checkout", "--quiet", "--force", "topic"]);
    }

    /// The cheapest hook of that name that there can be: a compiled program that does nothing.
    pub fn empty_native_hook(&self, name: &str) {
        let source = self.file("empty.c", "int main(void) { return 0; }\n");
        let hook = self.repo().join(".git/hooks").join(name);
        self.repeat(1, self.command("cc").arg("-O2").arg("-o").arg(hook).arg(source));
    }

    /// Feeds a stream to `git fast-import`.
    pub fn import(&self, stream: &str) {
        let mut import =
            self.command("git").args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
        import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
        assert!(import.wait().unwrap().success());
    }
}

/// Writes a note for `git fast-import`.
pub fn note(stream: &mut String, on: &str, text: &str) {
    write!(stream, "M 100644 inline {}/{}/{}\ndata {}\n{text}\n", &on[..2], &on[2..4], &on[4..], text.len())
        .unwrap();
}

/// An author or reviewer of that vendor.
pub fn author(name: &str, vendor: &str) -> Author {
    Author { name: name.into(), vendor: Vendor::new(vendor), model: None }
}

fn packs(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Seconds of CPU time of all children that have ended; not a number where the system does not tell.
pub fn children_cpu() -> f64 {
    // proc_pid_stat(5): cutime and cstime are the 16th and 17th fields, the 14th and 15th after the name.
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return f64::NAN };
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // In hundredths of a second on every Linux (USER_HZ).
    fields[13..15].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}
