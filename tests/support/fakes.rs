//! Agents and reviewers: executables on the PATH that do what a few lines of shell say.

use super::Place;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Reads the request, and answers in our schema.
const REVIEWER: &str = r#"request=$(cat)
nonce=$(printf '%s\n' "$request" | sed -n 's/^REQUEST {"nonce":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
files=$(printf '%s\n' "$request" | sed -n 's/^REQUEST .*"files":\(\[.*\]\)}$/\1/p' | head -n 1)
difference=${request%%what the commits add and take away again*}
findings='[]'
DECIDE
if [ "$findings" = '[]' ]; then verdict=APPROVE; else verdict='REQUEST CHANGES'; fi
printf '{"nonce":"%s","verdict":"%s","summary":"Read.","files":%s,"findings":%s}\n' "$nonce" "$verdict" "$files" "$findings""#;

/// An agent that makes a file named by its task.
pub const WRITE: &str = "echo \"$task by $0\" > $task.txt; echo done";

impl Place {
    /// Puts a shell script on the PATH and returns its path.
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.root().join("bin").join(name);
        executable(&path, &format!("#!/bin/sh\n{body}\n"));
        path
    }

    /// Writes an executable file of the repository.
    pub fn executable(&self, path: &str, text: &str) {
        self.write(path, "");
        executable(&self.repo().join(path), text);
    }

    /// Puts an agent on the PATH that notes each start, and then does what `act` says in shell: `$prompt`,
    /// `$task`, `$attempt` and `$root` (this place) are set.
    pub fn agent(&self, name: &str, act: &str) -> PathBuf {
        let root = self.root().display();
        let start = "prompt=$(cat)\ntask=$GIT_FLOW_AI_TASK\nattempt=$GIT_FLOW_AI_ATTEMPT";
        self.script(
            name,
            &format!("{start}\nroot='{root}'\necho \"$task $attempt\" >> \"$root/calls\"\n{act}"),
        )
    }

    /// The starts of agents so far, in their order: `api 1`.
    pub fn calls(&self) -> Vec<String> {
        self.lines("calls")
    }

    /// Puts a reviewer on the PATH that answers in our schema: `decide` is shell that may set
    /// `findings` (a JSON array) after reading the whole request in `$request`, or `$difference`: without what
    /// only the commits on the way do.
    pub fn reviewer(&self, name: &str, decide: &str) -> PathBuf {
        self.script(name, &REVIEWER.replace("DECIDE", decide))
    }

    /// The same, which notes that it was asked, and keeps what it was shown.
    pub fn watched_reviewer(&self, name: &str, decide: &str) -> PathBuf {
        let root = self.root().display();
        let note = format!("printf '%s\\n' \"$request\" > '{root}/request'\necho {name} >> '{root}/asked'");
        self.reviewer(name, &format!("{note}\n{decide}"))
    }

    /// The watched reviewers that were asked so far, in their order.
    pub fn asked(&self) -> Vec<String> {
        self.lines("asked")
    }

    /// Those asked since this was called last.
    pub fn asked_since(&self) -> Vec<String> {
        let asked = self.asked();
        let _ = fs::remove_file(self.root().join("asked"));
        asked
    }

    /// What a watched reviewer was shown last.
    pub fn request(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.root().join("request")).unwrap()).into_owned()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.root().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Writes an executable file.
pub fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
