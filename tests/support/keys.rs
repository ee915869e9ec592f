//! A protected `main` whose config says who may sign, and signing keys by the real ssh-keygen.

use super::{Config, Out, Place};
use std::fs;
use std::path::PathBuf;

impl Place {
    /// Makes a key without a passphrase in the home, and returns where it is.
    pub fn key(&self, name: &str, kind: &str) -> PathBuf {
        let path = self.root().join("home").join(name);
        let mut keygen = self.command("ssh-keygen");
        Out::run(keygen.args(["-q", "-t", kind, "-N", "", "-C", name, "-f"]).arg(&path)).ok();
        path
    }

    /// The public half: type and key.
    pub fn public(&self, name: &str) -> String {
        let text = fs::read_to_string(self.root().join("home").join(format!("{name}.pub"))).unwrap();
        text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// A repository whose `main` has no config yet, but one that is written: `policy` are lines of
    /// `[gate]`, and the reviewer `judge` decides by `decide`.
    pub fn judged(policy: &str, decide: &str) -> Place {
        let place = Place::new();
        place.reviewer("judge", decide);
        place.write(
            ".zenflow/config.toml",
            Config::protected().gate(policy).reviewer("judge", "zeta").to_string(),
        );
        place
    }

    /// Commits everything, those who may sign included, and puts up the hooks.
    pub fn protect(&self, allowed_signers: &str) {
        self.commit_saying("Configure", ".zenflow/allowed_signers", allowed_signers);
        self.flow(&["init"]).ok();
    }

    /// A branch `topic` at `HEAD` with a commit that adds that file and no other; HEAD is on it.
    pub fn topic(&self, path: &str) {
        self.branch("topic", "HEAD");
        self.write(path, "new\n");
        self.git(&["add", path]).ok();
        self.git(&["commit", "--quiet", "-m", "New"]).ok();
    }

    /// Goes to `main` and merges `topic`.
    pub fn merge_topic(&self) -> Out {
        self.switch("main");
        self.git(&["-c", "merge.ff=only", "merge", "--quiet", "topic"])
    }
}
