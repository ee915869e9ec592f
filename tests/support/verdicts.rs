//! Verdicts written as a reviewer's would be, without a reviewer.

use super::{Place, place};
use git_flow_ai::domain::change::{Author, Vendor};
use git_flow_ai::domain::verdict::{Decision, Finding, Severity, Shown, ShownWay, Verdict, decide};
use git_flow_ai::gate::store::verdicts;

/// An author or reviewer of that vendor.
pub fn author(name: &str, vendor: &str) -> Author {
    Author { name: name.into(), vendor: Vendor::new(vendor), model: None }
}

impl Place {
    /// The verdict of `codex` (openai) on what a person changed from one revision to another.
    pub fn verdict(&self, base: &str, head: &str) -> Verdict {
        let id = |revision: &str| self.git_says(&["rev-parse", revision]).parse().unwrap();
        let tree = |revision: &str| id(&format!("{revision}^{{tree}}"));
        let commit = |revision: &str| {
            let found = self.git(&["rev-parse", "--quiet", "--verify", &format!("{revision}^{{commit}}")]);
            (found.status == 0).then(|| found.stdout.trim().parse().unwrap())
        };
        Verdict {
            decision: decide(&[], &[]),
            base_tree: tree(base),
            head_tree: tree(head),
            base_commit: commit(base),
            head_commit: Some(id(head)),
            target: "main".into(),
            authors: vec![author("Ada Lovelace <ada@example.com>", "person")],
            reviewer: author("codex", "openai"),
            policy: "0".repeat(64),
            shown: Shown {
                sha256: "0".repeat(64),
                bytes: 100,
                files: Vec::new(),
                parts: Vec::new(),
                way: Some(self.way(base, head)),
            },
            purpose: None,
            again: 0,
            findings: Vec::new(),
            summary: "Read.".into(),
            time: "2026-01-01T00:00:00Z".parse().unwrap(),
            cost: None,
            tokens: None,
            signature: None,
        }
    }

    /// Every commit that leads from one revision to another, as shown.
    fn way(&self, base: &str, head: &str) -> ShownWay {
        let base_is_commit = self.git(&["rev-parse", "--quiet", "--verify", &format!("{base}^{{commit}}")]);
        let range = match base_is_commit.status {
            0 => format!("{base}..{head}"),
            _ => head.to_owned(),
        };
        let commits = self.git_says(&["rev-list", &range]);
        let commits = commits.lines().map(|id| id.parse().unwrap()).collect();
        ShownWay { commits, sha256: "0".repeat(64), bytes: 100 }
    }

    /// Records a verdict on its head commit.
    pub fn record(&self, verdict: &Verdict) {
        let repo = place::open(&self.repo());
        let on = verdict.head_commit.unwrap_or(verdict.head_tree);
        verdicts::append(&repo, on, verdict).unwrap();
    }

    /// Has the change from one revision to another approved.
    pub fn approve(&self, base: &str, head: &str) {
        self.record(&self.verdict(base, head));
    }

    /// The same reviewer's verdict that blocks because of those findings.
    pub fn block(&self, base: &str, head: &str, findings: Vec<Finding>) -> Verdict {
        Verdict { decision: Decision::RequestChanges, findings, ..self.verdict(base, head) }
    }
}

/// A finding of that severity.
pub fn finding(severity: Severity, body: &str) -> Finding {
    Finding { path: "README.md".into(), line: Some(1), severity, body: body.into(), suggestion: None }
}
