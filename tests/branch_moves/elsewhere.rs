//! Pushes: to this repository itself, and to another one, by every transport.

use super::row::Outcome::{Back, Server};
use super::row::{Does, Judged::Never, Row, row};
use crate::support::{Out, Place, git_http};

/// Some builds leave it out, and its library with it.
const HTTP: &str = "git-remote-http";

pub const ROWS: &[Row] = &[
    Row { on: "work", ..row("push to oneself", "git push --quiet . straight:main") },
    Row { on: "work", ..row("push --no-verify to oneself", "git push --quiet --no-verify . straight:main") },
    Row {
        setup: "git config receive.denyCurrentBranch updateInstead",
        ..row("push to oneself, where main is checked out", "git push --quiet . straight:main")
    },
    Row {
        setup: "git config receive.denyCurrentBranch updateInstead",
        unjudged: Back("git reset --merge HEAD"),
        ..row(
            "push --no-verify to oneself, where main is checked out",
            "git push --quiet --no-verify . straight:main",
        )
    },
    row("push", "git push --quiet origin straight:main"),
    row("push --atomic", "git push --quiet --atomic origin straight:main topic:new"),
    row("push of main and another branch", "git push --quiet origin straight:main topic:new"),
    Row {
        setup: "git switch --quiet -c pushed main; git merge --quiet --no-edit topic",
        ..row("push of a merge", "git push --quiet origin pushed:main")
    },
    Row {
        judged: Never,
        ..row("push --force of another history", "git push --quiet --force origin topic:main")
    },
    row(
        "push --receive-pack that switches the server's hooks off",
        "git push --quiet --receive-pack='git -c core.hooksPath=/dev/null receive-pack' origin straight:main",
    ),
    row(
        "push by ssh",
        "GIT_SSH_COMMAND='f() { shift $(($# - 1)); sh -c \"$1\"; }; f' git push --quiet \"ssh://host$(cd .. && pwd)/origin.git\" straight:main",
    ),
    Row { part: Some(HTTP), does: Does::Calls(by_http), ..row("push by smart HTTP", "") },
    Row { unjudged: Server, ..row("push --no-verify", "git push --quiet --no-verify origin straight:main") },
    Row {
        setup: "git -C ../origin.git config receive.denyDeleteCurrent ignore",
        unjudged: Server,
        ..row("push of a deletion", "git push --quiet origin :main")
    },
    Row {
        unjudged: Server,
        part: Some(HTTP),
        does: Does::Calls(by_http_unasked),
        ..row("push --no-verify by smart HTTP", "")
    },
];

fn by_http(place: &Place) -> Out {
    let address = git_http::serve(place);
    place.sh(&format!("git push --quiet {address}/origin.git straight:main"))
}

fn by_http_unasked(place: &Place) -> Out {
    let address = git_http::serve(place);
    place.sh(&format!("git push --quiet --no-verify {address}/origin.git straight:main"))
}
