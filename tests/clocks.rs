//! Times of commits are their writers' words: what a change brings does not hang on them.

use crate::support::{Config, Out, Place};
use git_flow_ai::gate::store::Repo;

#[test]
fn a_review_is_shown_what_is_new_whatever_commits_say_of_their_time() {
    for (behind, count) in [(0, 1), (3_600, 1), (1_000_000_000, 8)] {
        let place = Place::with_config(Config::protected().names("gpt", "openai"));
        place.commit_saying("Long gone", "old", "EVIL\n");
        place.git(&["rm", "--quiet", "old"]).ok();
        place.git(&["commit", "--quiet", "-m", "Take it out"]).ok();
        place.git(&["switch", "--quiet", "-c", "side"]).ok();
        place.commit_saying("Something new", "new", "new\n");
        place.git(&["switch", "--quiet", "main"]).ok();
        let time = place.git_says(&["log", "-1", "--format=%ct", "side"]).parse::<i64>().unwrap() - behind;
        for number in 0..count {
            let message = format!("Behind {number}");
            let mut git = place.command("git");
            git.env("GIT_COMMITTER_DATE", format!("@{time} +0000"));
            Out::run(git.args(["commit", "--quiet", "--allow-empty", "-m", &message])).ok();
        }
        place.git(&["switch", "--quiet", "-c", "up", "main"]).ok();
        place.git(&["merge", "--quiet", "--no-ff", "-m", "Take in the side", "side"]).ok();
        let repo = Repo::open(&place.repo()).unwrap();
        let id = |revision: &str| repo.commit_of(revision).unwrap().id;
        let between = repo.ids_between([id("main")], id("up"), 100).unwrap();
        assert_eq!(between, [id("up"), id("side")], "{behind} {count}");
    }
}
