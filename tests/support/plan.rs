//! Specs and their plans: `demo`, of the built-in workflow `quick`, ready to be run.

use super::{Out, Place};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// A task that is to be done; `directives` are lines of HTML comments, such as `<!-- after: api -->`.
pub fn task(id: &str, directives: &str) -> String {
    format!("### [ ] Step: Make {id}\n<!-- id: {id} -->\n{directives}\nWrite {id}.txt.\n\n")
}

impl Place {
    /// A spec `demo` with a plan of those tasks, see [`task`].
    pub fn spec_with(&self, tasks: &str) {
        let request = self.beside("request.md", "Make it.\n");
        let plan = self.beside("plan.md", &format!("# Demo\n\n{tasks}"));
        self.flow(&["spec", "Demo", "--workflow", "quick", "--from", request.to_str().unwrap()]).ok();
        self.flow(&["plan", "demo", "--from", plan.to_str().unwrap()]).ok();
    }

    /// Runs the plan to its end, with those options too.
    pub fn run(&self, options: &[&str]) -> Out {
        self.flow(&[&["run", "demo"], options].concat())
    }

    /// Starts a run of the plan and leaves it running.
    pub fn start_run(&self) -> Child {
        let mut command = self.command("git-flow-ai");
        command.args(["run", "demo"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// A trailer of the last commit of a branch.
    pub fn trailer(&self, branch: &str, key: &str) -> String {
        let format = format!("--format=%(trailers:key={key},valueonly)");
        self.git_says(&["log", "-1", &format, branch])
    }

    /// Writes a file beside the repository, and returns its path.
    pub fn beside(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}
