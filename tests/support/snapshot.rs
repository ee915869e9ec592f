//! Whole outputs, compared with `tests/snapshots/`: standard output, standard error and exit status in one
//! value, without what differs from run to run.
//!
//! A difference is a failed test. What was meant is accepted with `INSTA_UPDATE=always cargo test output`
//! and reviewed as a diff.

use super::{Out, Place};

/// What differs from run to run, and what stands in its place. Paths are added for each place.
const FILTERS: [(&str, &str); 14] = [
    (r"\b\d{8}T\d{6}\.\d{3}-[0-9a-f]{4}\b", "[RUN]"),
    // Digests, object ids and their abbreviations.
    (r"\b[0-9a-f]{7,64}\b", "[ID]"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "[TIME]"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC)?", "[TIME]"),
    // In a table the width of its column differs with a duration.
    (r"  +\d+(\.\d+)? ?(ms|s)\b *", "  [DURATION]  "),
    (r"TIME +USED", "TIME  USED"),
    (r"\b\d+(\.\d+)? ?(ms|s)\b", "[DURATION]"),
    (r"\b(pid|process) \d+", "$1 [PID]"),
    (r"\bgit(-flow-ai)? (version )?\d+\.\d+[\w.]*", "git$1 [VERSION]"),
    (r"\bport \d+", "port [PORT]"),
    // How much a reviewer is shown: with the text around the change.
    (r"was shown   \d+ bytes", "was shown   [SIZE]"),
    (r"(reads \d+ files?), \d+(\.\d+)? \w+", "$1, [SIZE]"),
    (r"\.(tmp|flow-ai-test-)\w+", "[TEMPORARY]"),
    // As the system, or whoever runs the tests, has it.
    (
        r"overlays over a clean checkout that they share|copies of a clean checkout \(.*\)|by git, one for each worktree \(.*\)",
        "[CHECKOUTS]",
    ),
];

impl Out {
    /// Compares what a command printed, and its status, with the snapshot of that name.
    #[track_caller]
    pub fn is_snapshot(&self, place: &Place, name: &str) {
        self.is_snapshot_but_for(place, name, &[]);
    }

    /// The same with filters for what differs in this output only.
    #[track_caller]
    pub fn is_snapshot_but_for(&self, place: &Place, name: &str, filters: &[(&str, &str)]) {
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let root = place.root().display().to_string();
        let real = place.root().canonicalize().unwrap().display().to_string();
        let binary = env!("CARGO_BIN_EXE_git-flow-ai");
        for (path, name) in [(&*real, "[ROOT]"), (&*root, "[ROOT]"), (binary, "[PROGRAM]")] {
            settings.add_filter(&regex::escape(path), name);
        }
        for (pattern, replacement) in filters.iter().chain(&FILTERS) {
            settings.add_filter(pattern, *replacement);
        }
        settings.bind(|| insta::assert_snapshot!(name, self.whole()));
    }

    /// All of it as one text.
    fn whole(&self) -> String {
        format!("status: {}\n--- stdout\n{}--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}
