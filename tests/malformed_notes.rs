//! Whoever may push notes can push anything there: it stays out at a server with the gate, and where it has
//! come in, it makes nothing unreadable that others judged well, is named, and `sync` or `clean` heals it.

use crate::support::{Config, Out, Place};
use git_flow_ai::gate::store::{Repo, verdicts};
use std::fs;

const NOTES: &str = "refs/notes/flow-ai";

/// `topic` is one commit ahead of `main` and approved; `other` too, and nobody has judged it; `origin` is a
/// server that has `main` and the notes, without a gate as yet.
fn place() -> Place {
    let place = Place::with_branches(Config::lookup_only(), &["topic", "other"]);
    place.server("origin");
    place.approve("main", "topic");
    place.ungated(&["push", "--quiet", "origin", NOTES]).ok();
    place
}

/// Each way in which notes can be none: what a shell makes of the notes, the new tip in `$new`.
const SPOILT: [(&str, &str); 11] = [
    ("one note flat and in a folder", r#"both "$note" "$blob""#),
    (
        "a note that is no text",
        r#"bad=$(printf '{"a": "\377"}\n{\n\376' | git hash-object -w --stdin); mk 100644 blob $bad "$other""#,
    ),
    ("a link", r#"mk 120000 blob $blob "$other""#),
    ("an executable file", r#"mk 100755 blob $blob "$other""#),
    ("a submodule", r#"mk 160000 commit $(git rev-parse main) "$other""#),
    ("a file with another name", r#"mk 100644 blob $blob README"#),
    ("a folder with another name", r#"mk 040000 tree $tree zz"#),
    (
        "a folder that holds itself, as it were",
        r#"a=$tree; for i in 1 2 3 4 5 6 7 8; do a=$(for d in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do printf '040000 tree %s\t0%s\n' $a $d; printf '040000 tree %s\t1%s\n' $a $d; done | git mktree); done; mk 040000 tree $a 00"#,
    ),
    ("an id in capitals", r#"mk 100644 blob $blob $(echo "$other" | tr a-f A-F)A"#),
    (
        "a note of 40 MB",
        r#"big=$(head -c 40000000 /dev/zero | tr '\0' 'x' | git hash-object -w --stdin); mk 100644 blob $big "$other""#,
    ),
    ("a note that names a folder", r#"mk 100644 blob $tree "$other" --missing"#),
];

/// What those shell lines are written with.
const WORDS: &str = r#"
    good=$(git rev-parse refs/notes/flow-ai); tree=$(git rev-parse "$good^{tree}"); other=$(git rev-parse other)
    note=$(git ls-tree -r --name-only "$good" | tr -d / | grep "^$(git rev-parse topic)")
    blob=$(git notes --ref=flow-ai list topic)
    mk() { new=$( { git ls-tree $tree; printf '%s %s %s\t%s\n' "$1" "$2" "$3" "$4"; } | git mktree --missing); commit; }
    both() { new=$( { git ls-tree $tree; printf '040000 tree %s\t%s\n' \
        $(printf '100644 blob %s\t%s\n' "$2" "${1#??}" | git mktree) "${1%"${1#??}"}"; } | git mktree); commit; }
    commit() { new=$(git commit-tree $new -p $good -m Spoilt); }
"#;

/// Makes the spoilt notes, and returns their tip.
fn spoil(place: &Place, line: &str) -> String {
    place.sh(&format!("{WORDS}\n{line}\necho $new")).ok().stdout.trim().to_owned()
}

fn gated_server(place: &Place) {
    place.flow_in(&place.root().join("origin.git"), &["init"]).ok();
}

fn push(place: &Place, refs: &[&str]) -> Out {
    place.git(&[&["push", "--quiet", "--no-verify", "origin"], refs].concat())
}

/// What lies in the tree of the notes, whatever it is.
fn tree(place: &Place) -> String {
    place.git_says(&["ls-tree", "-r", NOTES])
}

#[test]
fn what_is_no_note_is_refused_at_the_door() {
    for (what, line) in SPOILT {
        println!("{what}");
        let place = place();
        gated_server(&place);
        let new = spoil(&place, line);
        let out = push(&place, &[&format!("{new}:{NOTES}")]);
        // Some of it git itself does not let through.
        assert_eq!(out.status, 1, "{what}: {out:?}");
        if !out.stderr.contains("git flow-ai: ") {
            assert!(
                out.stderr.contains("missing necessary objects") || out.stderr.contains("unpack"),
                "{out:?}"
            );
        }
        push(&place, &["topic:main"]).ok();
        assert!(push(&place, &["other:main"]).status != 0);
    }
}

#[test]
fn what_has_come_in_all_the_same_hides_no_verdict_and_is_healed_by_sync() {
    for (what, line) in SPOILT.into_iter().filter(|(what, _)| !what.contains("names a folder")) {
        println!("{what}");
        let place = place();
        let new = spoil(&place, line);
        push(&place, &[&format!("{new}:{NOTES}")]).ok();
        gated_server(&place);
        // The server finds what it has, and so does the pusher, in its copy of the remote's notes.
        place.git(&["fetch", "--quiet", "origin", &format!("{NOTES}:refs/flow-ai/notes/origin")]).ok();
        push(&place, &["other:main"]).exits(1).says("this push to `main` is refused");
        let named = place.flow(&["doctor"]).stdout;
        assert!(named.contains("git flow-ai sync origin"), "{what}: {named}");
        place.flow(&["verdict", "list", "--all"]).ok().says("APPROVE").says("not a note: ");
        place.flow(&["sync"]).ok();
        assert!(!place.flow(&["doctor"]).stdout.contains("among the notes"), "{what}");
        let (here, there) =
            (place.id(NOTES), place.git_in(&place.root().join("origin.git"), &["rev-parse", NOTES]));
        assert_eq!(here, there.stdout.trim(), "{what}");
        let repo = Repo::open(&place.repo()).unwrap();
        assert_eq!(verdicts::faults(&repo, None, here.parse().unwrap()).unwrap(), [""; 0], "{what}");
        place.git(&["notes", "--ref=flow-ai", "show", "topic"]).ok().says("APPROVE");
        place.flow(&["push", "origin", "topic:main"]).ok();
    }
}

#[test]
fn without_a_remote_verdicts_are_found_and_written_and_clean_heals() {
    for (what, line) in SPOILT.into_iter().filter(|(what, _)| !what.contains("names a folder")) {
        println!("{what}");
        let place = place();
        place.git(&["remote", "remove", "origin"]).ok();
        let new = spoil(&place, line);
        place.git(&["update-ref", NOTES, &new]).ok();
        place.flow(&["init"]).ok();
        place.flow(&["doctor"]).says("git flow-ai clean");
        place.git(&["merge", "--quiet", "--ff-only", "topic"]).ok();
        place.flow(&["clean", "--dry-run"]).ok().says("would remove what is no note");
        let copy = place.copy();
        copy.flow(&["clean"]).ok().says("removed what is no note");
        assert!(!copy.flow(&["doctor"]).stdout.contains("among the notes"), "{what}");
        place.approve("topic~1", "other");
        place.flow(&["clean"]).ok();
        let repo = Repo::open(&place.repo()).unwrap();
        let tip = place.id(NOTES).parse().unwrap();
        assert_eq!(verdicts::faults(&repo, None, tip).unwrap(), [""; 0], "{what}");
        assert_eq!(
            place.git_says(&["notes", "--ref=flow-ai", "list"]).lines().count(),
            tree(&place).lines().count()
        );
        place.git(&["notes", "--ref=flow-ai", "show", "topic"]).ok().says("APPROVE");
        place.git(&["merge", "--quiet", "--no-edit", "other"]).ok();
    }
}

#[test]
fn notes_that_are_no_commit_or_go_back_are_refused_here_and_at_the_server() {
    let place = place();
    gated_server(&place);
    place.flow(&["init"]).ok();
    let before = place.id(NOTES);
    place.approve("main", "other");
    let blob = place.git_says(&["rev-parse", "main:README.md"]);
    let tree = place.git_says(&["rev-parse", &format!("{NOTES}^{{tree}}")]);
    place.git(&["tag", "-a", "-m", "Notes", "noted", NOTES]).ok();
    let tag = place.id("noted");
    for new in [&blob, &tree, &tag] {
        let forced = format!("+{new}:{NOTES}");
        assert_eq!(push(&place, &[&forced]).status, 1, "{new}");
        assert_ne!(place.git(&["update-ref", NOTES, new]).status, 0, "{new}");
    }
    place.flow(&["sync"]).ok();
    push(&place, &[&format!("+{before}:{NOTES}")]).exits(1).says("would lose what was decided");
    push(&place, &["topic:main"]).ok();
    // A remote without a gate that holds such a thing: nothing is taken from it, and what is here goes on.
    let bare = place.root().join("origin.git");
    fs::remove_file(bare.join("hooks/pre-receive")).unwrap();
    push(&place, &["noted"]).ok();
    for new in [&tag, &blob] {
        let old = place.git_in(&bare, &["rev-parse", NOTES]).stdout.trim().to_owned();
        place.git_in(&bare, &["update-ref", NOTES, new, &old]).ok();
        place.git(&["fetch", "--quiet", "origin", &format!("+{NOTES}:refs/flow-ai/notes/origin")]).ok();
        place.flow(&["verdict", "list", "--all"]).ok().says("APPROVE");
        place.git_in(&bare, &["update-ref", NOTES, &old]).ok();
    }
    place.flow(&["sync"]).ok();
}
