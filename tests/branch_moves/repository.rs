//! The repository that every row of the matrix starts from: made once, then copied.
//!
//! `main` is protected and ends in "One" and "Two". Nobody has judged any other branch: `straight` is
//! one commit ahead of `main`; `topic`, `other`, `range` (two commits) and `clash` (which collides with
//! "Two") fork before "Two"; `lone` is unrelated; `work` is where `main` is. `origin` is a server that
//! has let in the same `main`; `fork` is anybody's, and its `main` is `straight`.

use crate::support::{Config, Out, Place};
use std::sync::OnceLock;

/// Branches, what they are made on, and the files that their commits change.
const BRANCHES: [(&str, &str, &[&str]); 6] = [
    ("work", "main", &[]),
    ("straight", "main", &["straight.txt"]),
    ("topic", "main~1", &["topic.txt"]),
    ("other", "main~1", &["other.txt"]),
    ("range", "main~1", &["first.txt", "second.txt"]),
    ("clash", "main~1", &["two.txt"]),
];

/// A copy of the scene.
pub fn scene() -> Place {
    static SCENE: OnceLock<Place> = OnceLock::new();
    let place = SCENE.get_or_init(prepare).copy();
    // Hooks that git's config names stand only where they were installed.
    if git_flow_ai::system::git::version().unwrap() >= (2, 54) {
        place.flow(&["init"]).ok();
    }
    place
}

fn prepare() -> Place {
    let place = Place::with_config(Config::lookup_only().reviewer("judge", "zeta"));
    place.reviewer("judge", "");
    place.flow(&["init"]).ok();
    for file in ["example.txt", "one.txt", "two.txt"] {
        commit(&place, file, file);
    }
    for (branch, from, files) in BRANCHES {
        place.git(&["switch", "--quiet", "-c", branch, from]).ok();
        for file in files {
            commit(&place, file, branch);
        }
    }
    place.git(&["switch", "--quiet", "--orphan", "lone"]).ok();
    commit(&place, "lone.txt", "lone");
    place.git(&["switch", "--quiet", "main"]).ok();
    for (remote, main) in [("origin", "main"), ("fork", "straight")] {
        place.server(remote);
        ungated(&place, &format!("git -C ../{remote}.git update-ref refs/heads/main {main}")).ok();
        place.git(&["fetch", "--quiet", remote]).ok();
    }
    place.git(&["branch", "--quiet", "--set-upstream-to", "origin/main"]).ok();
    place
}

fn commit(place: &Place, file: &str, text: &str) {
    place.write(file, format!("{text}\n"));
    place.git(&["add", "--all"]).ok();
    ungated(place, &format!("git commit --quiet -m 'Change {file}'")).ok();
}

/// What a person types in a shell who walks around every hook.
pub fn ungated(place: &Place, line: &str) -> Out {
    let mut config = "'core.hooksPath'='/dev/null'".to_owned();
    for event in git_flow_ai::commands::init::HOOKS {
        config.push_str(&format!(" 'hook.flow-ai-{event}.enabled'='false'"));
    }
    let mut shell = place.command("sh");
    shell.args(["-c", line]).env("GIT_CONFIG_PARAMETERS", config);
    Out::of(shell.output().unwrap())
}

/// Everything that a refusal must leave as it was, here and on the remotes: files, index, HEAD, refs and
/// what is in progress, in every worktree. Verdicts and receipts are no part of it.
pub fn state(place: &Place) -> String {
    let look = r#"
        each() {
            git symbolic-ref --quiet HEAD || git rev-parse HEAD
            git status --porcelain=v2 --untracked-files=all
            git ls-files --stage
            git diff
            cd "$(git rev-parse --absolute-git-dir)"
            for name in MERGE_HEAD MERGE_MSG MERGE_MODE MERGE_AUTOSTASH SQUASH_MSG CHERRY_PICK_HEAD \
                REVERT_HEAD rebase-merge rebase-apply sequencer index.lock HEAD.lock refs/heads/main.lock
            do [ ! -e $name ] || echo "in progress: $name"; done
        }
        git for-each-ref --format='%(refname) %(objectname) %(symref)' |
            grep -v -e refs/notes/ -e refs/flow-ai/admitted/ -e refs/flow-ai/keep/
        git worktree list --porcelain | sed -n 's/^worktree //p' | while read -r folder
        do (cd "$folder" && echo "in ${folder##*/}" && each); done
        for remote in ../*.git; do echo "$remote" && git -C "$remote" for-each-ref refs/heads; done
    "#;
    place.sh(look).ok().stdout
}

/// Where `main` is, here and on the server; nothing where it is not.
pub fn tips(place: &Place) -> String {
    let look = "git rev-parse --verify --quiet refs/heads/main; git -C ../origin.git rev-parse --verify --quiet refs/heads/main";
    place.sh(look).stdout
}
