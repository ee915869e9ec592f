//! Git's own commands, but for rebases and pushes.

use super::row::Outcome::{Back, Free};
use super::row::{Judged::Never, Row, row};

/// What stands against a fast-forward, a reset or a checkout that has changed files already.
const RESET: &str = "git reset --merge HEAD";

/// Without a remote that has let anything in.
const ALONE: &str = "git update-ref -d refs/remotes/origin/main";

pub const ROWS: &[Row] = &[
    // Commits.
    Row { setup: "echo more >> README.md; git add README.md", ..row("commit", "git commit -m More") },
    Row { setup: "echo more >> README.md", ..row("commit -a", "git commit -a -m More") },
    Row {
        setup: "echo more >> README.md; git add README.md",
        ..row("commit --no-verify", "git commit --no-verify -m More")
    },
    Row { judged: Never, ..row("commit --amend", "git commit --amend -m Reworded") },
    Row { unjudged: Free, ..row("commit --allow-empty", "git commit --allow-empty -m Empty") },
    Row {
        setup: "git diff main straight > ../patch",
        begun: "git apply --index ../patch",
        ..row("apply --index, then commit", "git commit -m Apply")
    },
    Row {
        on: "work",
        setup: "git worktree add --quiet ../linked main",
        begun: "cd ../linked; echo more >> README.md; git add README.md",
        ..row("commit in a linked worktree", "cd ../linked && git commit --no-verify -m More")
    },
    Row {
        on: "work",
        setup: "git symbolic-ref refs/heads/main refs/heads/work; echo more >> README.md; git add README.md",
        ..row("commit on a branch that main is another name for", "git commit --no-verify -m More")
    },
    Row {
        on: "work",
        setup: "git symbolic-ref refs/heads/a refs/heads/b; git symbolic-ref refs/heads/b refs/heads/main; \
                git symbolic-ref HEAD refs/heads/a; git reset --quiet --hard; echo more >> README.md; git add README.md",
        ..row("commit on another name of another name of main", "git commit --no-verify -m More")
    },
    Row {
        on: "work",
        setup: "git symbolic-ref refs/heads/b refs/heads/work; git symbolic-ref refs/heads/main refs/heads/b; \
                echo more >> README.md; git add README.md",
        ..row(
            "commit on a branch that main is another name for, by a third",
            "git commit --no-verify -m More",
        )
    },
    // Merges.
    row("merge (fast-forward)", "git merge straight"),
    row("merge --ff-only", "git merge --ff-only straight"),
    row("merge --no-ff", "git merge --no-ff --no-edit straight"),
    row("merge (true)", "git merge --no-edit topic"),
    row("merge --no-verify", "git merge --no-verify --no-edit topic"),
    Row {
        setup: "echo dirty >> README.md",
        ..row("merge --autostash", "git merge --autostash --no-edit topic")
    },
    row("merge -s ours", "git merge -s ours --no-edit topic"),
    row("merge of several heads", "git merge --no-edit topic other"),
    Row {
        unjudged: Back("git merge --abort"),
        ..row("merge -X theirs, where it decides a conflict", "git merge -X theirs --no-edit clash")
    },
    Row {
        unjudged: Back("git merge --abort"),
        ..row("merge --allow-unrelated-histories", "git merge --allow-unrelated-histories --no-edit lone")
    },
    row("merge --squash, then commit", "git merge --squash topic && git commit -m Squash"),
    Row {
        begun: "git merge --squash topic",
        ..row("commit of a squash that was begun without hooks", "git commit -m Squash")
    },
    row("merge --no-commit, then commit", "git merge --no-commit --no-ff topic && git commit --no-edit"),
    Row {
        begun: "git merge --no-commit --no-ff topic",
        ..row("commit that concludes a merge", "git commit --no-edit")
    },
    Row {
        begun: "git merge --no-commit --no-ff topic",
        ..row("commit --no-verify that concludes a merge", "git commit --no-edit --no-verify")
    },
    Row {
        begun: "git merge clash; echo resolved > two.txt; git add two.txt",
        ..row("merge with a conflict, then commit", "git commit --no-edit")
    },
    Row {
        begun: "git merge clash; echo resolved > two.txt; git add two.txt",
        ..row("merge with a conflict, then merge --continue", "GIT_EDITOR=true git merge --continue")
    },
    row("pull (fast-forward)", "git pull --ff fork main"),
    row("pull --ff-only", "git pull --ff-only fork main"),
    row("pull --no-rebase (true merge)", "git pull --no-rebase --no-edit fork topic"),
    // Commits of elsewhere.
    Row { unjudged: Back("git cherry-pick --abort"), ..row("cherry-pick", "git cherry-pick topic") },
    Row {
        setup: ALONE,
        unjudged: Back("git cherry-pick --abort"),
        ..row("cherry-pick of several commits", "git cherry-pick main~1..range")
    },
    Row { unjudged: Back(RESET), ..row("cherry-pick --ff", "git cherry-pick --ff straight") },
    Row { begun: "git cherry-pick -n topic", ..row("cherry-pick -n, then commit", "git commit -m Picked") },
    Row {
        begun: "git cherry-pick clash || { echo resolved > two.txt; git add two.txt; }",
        ..row("cherry-pick with a conflict, then --continue", "GIT_EDITOR=true git cherry-pick --continue")
    },
    Row { unjudged: Back(RESET), ..row("revert", "git revert --no-edit HEAD") },
    Row {
        setup: ALONE,
        unjudged: Back("git revert --abort"),
        ..row("revert of several commits", "git revert --no-edit HEAD HEAD~1")
    },
    Row {
        setup: "git format-patch --quiet -1 topic -o ../patches",
        unjudged: Back("git am --abort"),
        ..row("am", "git am --quiet ../patches/*")
    },
    Row {
        setup: "git format-patch --quiet -2 range -o ../patches; git update-ref -d refs/remotes/origin/main",
        unjudged: Back("git am --abort"),
        ..row("am of several patches", "git am --quiet ../patches/*")
    },
    // The branch is put elsewhere.
    Row { unjudged: Back(RESET), ..row("reset --hard", "git reset --hard straight") },
    Row { unjudged: Back(RESET), ..row("reset --keep", "git reset --keep straight") },
    Row { unjudged: Back(RESET), ..row("reset --merge", "git reset --merge straight") },
    Row { unjudged: Back("git reset"), ..row("reset --mixed", "git reset --mixed straight") },
    row("reset --soft", "git reset --soft straight"),
    Row {
        setup: ALONE,
        unjudged: Back(RESET),
        judged: Never,
        ..row("reset --hard to an older commit", "git reset --hard HEAD~1")
    },
    Row { on: "work", unjudged: Back(RESET), ..row("checkout -B", "git checkout -B main straight") },
    Row {
        unjudged: Back(RESET),
        ..row("checkout -B, on the branch itself", "git checkout -B main straight")
    },
    Row { on: "work", unjudged: Back(RESET), ..row("switch -C", "git switch -C main straight") },
    Row { on: "work", ..row("branch -f", "git branch -f main straight") },
    Row {
        setup: "git worktree add --quiet --detach ../linked work; git switch --quiet work",
        ..row("branch -f, in a linked worktree", "cd ../linked && git branch -f main straight")
    },
    Row {
        on: "work",
        begun: "git branch --quiet -D main",
        judged: Never,
        ..row("branch, where main was deleted before", "git branch main straight")
    },
    Row { on: "work", ..row("worktree add -B", "git worktree add --quiet -B main ../new straight") },
    Row { on: "work", ..row("update-ref", "git update-ref refs/heads/main straight") },
    row("update-ref HEAD", "git update-ref HEAD straight"),
    Row {
        setup: "git worktree add --quiet --detach ../linked work",
        ..row("update-ref, in a linked worktree", "cd ../linked && git update-ref refs/heads/main straight")
    },
    row(
        "update-ref --stdin",
        "printf '%s\\n' start 'update refs/heads/main straight' prepare commit | git update-ref --stdin",
    ),
    Row {
        since: (2, 54),
        ..row(
            "update-ref --stdin --batch-updates",
            "echo 'update refs/heads/main straight' | git update-ref --stdin --batch-updates",
        )
    },
    Row {
        on: "work",
        ..row(
            "commit-tree, then update-ref",
            "git update-ref refs/heads/main $(git commit-tree -p main -m Made straight^{tree})",
        )
    },
    Row {
        setup: "git fast-export --reference-excluded-parents --refspec refs/heads/straight:refs/heads/main straight~1..straight > ../stream",
        ..row("fast-import", "git fast-import --quiet < ../stream")
    },
    Row {
        judged: Never,
        ..row(
            "filter-branch",
            "FILTER_BRANCH_SQUELCH_WARNING=1 git filter-branch -f --msg-filter 'sed s/Change/Touch/' HEAD~1..HEAD",
        )
    },
    Row {
        on: "work",
        since: (2, 44),
        ..row(
            "replay --advance",
            "git replay --advance main main~1..topic > ../moves && git update-ref --stdin < ../moves",
        )
    },
    Row {
        on: "work",
        since: (2, 44),
        judged: Never,
        ..row(
            "replay --onto",
            "git replay --onto topic main~1..main > ../moves && git update-ref --stdin < ../moves",
        )
    },
    Row {
        since: (2, 54),
        judged: Never,
        ..row("history reword", "GIT_EDITOR='sed -i s/Change/Touch/' git history reword HEAD")
    },
    // Fetches into it.
    Row { on: "work", ..row("fetch from here", "git fetch . straight:main") },
    row("fetch --update-head-ok", "git fetch --update-head-ok . straight:main"),
    Row { on: "work", ..row("fetch", "git fetch fork main:main") },
    Row { on: "work", ..row("fetch --atomic", "git fetch --atomic fork main:main") },
    row("fetch of a mirror", "git fetch --update-head-ok fork '+refs/heads/*:refs/heads/*'"),
    Row {
        on: "work",
        setup: "git bundle create --quiet ../bundle straight",
        ..row("fetch of a bundle", "git fetch ../bundle straight:main")
    },
    // What moves nothing, or only away.
    Row { unjudged: Free, ..row("checkout of another branch", "git checkout --quiet topic") },
    Row { unjudged: Free, ..row("symbolic-ref HEAD", "git symbolic-ref HEAD refs/heads/topic") },
    Row {
        setup: "echo dirty >> README.md",
        unjudged: Free,
        ..row("stash, then stash pop", "git stash --quiet && git stash pop --quiet")
    },
    Row { unjudged: Free, ..row("bundle create", "git bundle create --quiet ../bundle main") },
    Row { unjudged: Free, ..row("fetch into remote-tracking branches", "git fetch fork") },
    Row { unjudged: Free, ..row("notes add", "git notes add -m Noted main") },
    Row { unjudged: Free, ..row("replace", "git replace main straight") },
    Row { unjudged: Free, ..row("pack-refs", "git pack-refs --all --prune") },
    Row { unjudged: Free, ..row("gc", "git gc --quiet --prune=now") },
    Row { since: (2, 48), unjudged: Free, ..row("refs migrate", "git refs migrate --ref-format=reftable") },
    Row { unjudged: Free, ..row("merge --abort", "git merge clash || git merge --abort") },
    Row {
        unjudged: Free,
        ..row("reset --hard to a commit that the remote has let in", "git reset --quiet --hard HEAD~1")
    },
    Row { on: "work", unjudged: Free, ..row("branch -D", "git branch -D main") },
    Row { on: "work", unjudged: Free, ..row("update-ref -d", "git update-ref -d refs/heads/main") },
];
