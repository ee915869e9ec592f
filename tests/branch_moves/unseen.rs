//! What git asks no hook about, and what is not git.

use super::row::Outcome::{Refused, Unseen};
use super::row::{Does, Row, row};
use crate::support::{Out, Place, open};
use gix::refs::transaction::{PreviousValue, RefEdit};

const fn unseen(operation: &'static str, does: &'static str) -> Row {
    Row { unjudged: Unseen, ..row(operation, does) }
}

pub const ROWS: &[Row] = &[
    Row { on: "work", ..unseen("branch -C", "git branch -C straight main") },
    Row { on: "work", ..unseen("branch -M", "git branch -M straight main") },
    Row { on: "work", ..unseen("branch -m, twice", "git branch -m main old && git branch -m straight main") },
    Row {
        on: "work",
        from: Some(((2, 46), Refused)),
        judged: super::row::Judged::Never,
        ..unseen("symbolic-ref", "git symbolic-ref refs/heads/main refs/heads/straight")
    },
    Row {
        from: Some(((2, 54), Refused)),
        ..unseen("-c core.hooksPath=/dev/null", "git -c core.hooksPath=/dev/null merge --quiet straight")
    },
    Row {
        since: (2, 54),
        ..unseen(
            "-c hook.<name>.enabled=false",
            "git -c core.hooksPath=/dev/null -c hook.flow-ai-reference-transaction.enabled=false merge --quiet --no-verify straight",
        )
    },
    Row {
        from: Some(((2, 54), Refused)),
        ..unseen(
            "a hook that is deleted",
            "rm -f .git/hooks/reference-transaction && git merge --quiet --no-verify straight",
        )
    },
    Row { on: "work", ..unseen("a file that is written", "git rev-parse straight > .git/refs/heads/main") },
    Row {
        on: "work",
        begun: "git pack-refs --all --prune",
        ..unseen(
            "packed-refs that is edited",
            "sed -i \"s/.* refs.heads.main$/$(git rev-parse straight) refs\\/heads\\/main/\" .git/packed-refs",
        )
    },
    Row { on: "work", does: Does::Calls(by_gix), ..unseen("gix", "") },
    Row { on: "work", does: Does::Calls(by_libgit2), ..unseen("libgit2", "") },
];

/// As any program does that brings gitoxide.
fn by_gix(place: &Place) -> Out {
    drop(open(&place.repo()));
    let repo = gix::open(place.repo()).unwrap();
    let straight = repo.find_reference("refs/heads/straight").unwrap().id().detach();
    let name = "refs/heads/main".try_into().unwrap();
    repo.edit_reference(RefEdit::update(name, straight, PreviousValue::Any, "moved")).unwrap();
    Out { status: 0, stdout: String::new(), stderr: String::new() }
}

/// As any program does that brings libgit2: most graphical ones, and many a language's bindings.
fn by_libgit2(place: &Place) -> Out {
    let repo = git2::Repository::open(place.repo()).unwrap();
    let straight = repo.revparse_single("straight").unwrap().id();
    repo.find_reference("refs/heads/main").unwrap().set_target(straight, "moved").unwrap();
    Out { status: 0, stdout: String::new(), stderr: String::new() }
}
