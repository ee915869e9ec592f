//! Trees that git calls invalid never enter, whoever approved them: here, by the check, on a server.

use crate::support::{Config, Place};

/// `mode name` of entries beside those of `main`, as a commit on `odd`, approved.
fn odd(place: &Place, entries: &[(&str, &str)]) {
    let blob = place.git_says(&["hash-object", "-w", "README.md"]);
    let mut all: Vec<(String, Vec<u8>, String)> = Vec::new();
    for line in place.git_says(&["ls-tree", "main"]).lines() {
        let (info, name) = line.split_once('\t').unwrap();
        let mut info = info.split(' ');
        let mode = info.next().unwrap().trim_start_matches('0').to_owned();
        all.push((mode, name.as_bytes().to_vec(), info.nth(1).unwrap().to_owned()));
    }
    all.extend(entries.iter().map(|(mode, name)| {
        let id = match *mode {
            "40000" => place.git_says(&["rev-parse", "main^{tree}"]),
            "160000" => place.id("main"),
            _ => blob.clone(),
        };
        ((*mode).to_owned(), name.as_bytes().to_vec(), id)
    }));
    all.sort_by_key(key);
    commit(place, &all);
}

fn key((mode, name, _): &(String, Vec<u8>, String)) -> Vec<u8> {
    [&name[..], if mode == "40000" { b"/" } else { b"" }].concat()
}

fn commit(place: &Place, entries: &[(String, Vec<u8>, String)]) {
    let mut tree = Vec::new();
    for (mode, name, id) in entries {
        let id = gix::ObjectId::from_hex(id.as_bytes()).unwrap();
        tree.extend([mode.as_bytes(), b" ", name, b"\0", id.as_slice()].concat());
    }
    place.write("../tree", tree);
    let tree = place.git_says(&["hash-object", "-t", "tree", "-w", "--literally", "../tree"]);
    let commit = place.git_says(&["commit-tree", &tree, "-p", "main", "-m", "Odd"]);
    place.git(&["update-ref", "refs/heads/odd", &commit]).ok();
    place.approve("main", "odd");
}

fn place() -> Place {
    Place::gated(Config::lookup_only().agent("hand", "acme"))
}

#[test]
fn what_git_calls_invalid_never_enters() {
    let place = place();
    place.git(&["init", "--quiet", "--bare", "../server.git"]).ok();
    place.git(&["remote", "add", "origin", "../server.git"]).ok();
    place.ungated(&["push", "--quiet", "origin", "main"]).ok();
    place.flow_in(&place.root().join("server.git"), &["init"]).ok();
    let main = place.id("main");
    let refused = |what: &str| {
        place.flow(&["check", "main..odd"]).exits(1).says("git calls invalid");
        assert_ne!(place.git(&["update-ref", "refs/heads/main", "odd"]).status, 0, "{what}");
        assert_ne!(place.flow(&["push", "origin", "odd:main"]).status, 0, "{what}");
        assert_eq!(place.id("main"), main, "{what}");
        assert_eq!(
            place.git_says(&["ls-remote", "origin", "main"]).split('\t').next(),
            Some(&*main),
            "{what}"
        );
    };
    for entry in [
        ("100644", "../../x"),
        ("100644", ".git/hooks/post-checkout"),
        ("40000", ".."),
        ("40000", "."),
        ("40000", ".git"),
        ("100644", ".GIT"),
        ("40000", ".g\u{200c}it"),
        ("40000", "git~1"),
        ("40000", ".git. "),
        ("40000", ".git::$INDEX_ALLOCATION"),
        ("40000", "x\\.git"),
        ("100644", ""),
        ("100644", "a/b"),
        ("120000", ".gitmodules"),
        ("120000", "gitmod~1"),
        ("40000", ".gitmodules"),
        ("160000", ".gitattributes/x"),
    ] {
        odd(&place, &[entry]);
        refused(entry.1);
    }
    odd(&place, &[("100644", "a"), ("100755", "a")]);
    refused("an entry twice");
    let readme = place.git_says(&["rev-parse", "main:README.md"]);
    let file = |name: &str, id: &str| ("100644".to_owned(), name.as_bytes().to_vec(), id.to_owned());
    commit(&place, &[file("b", &readme), file("a", &readme)]);
    refused("not sorted");
    commit(&place, &[file("a", &"0".repeat(40))]);
    refused("no object");
}

#[test]
fn what_comes_and_goes_on_the_way_is_looked_at_too() {
    let place = place();
    odd(&place, &[("40000", "..")]);
    place.git(&["switch", "--quiet", "-c", "topic", "main"]).ok();
    place.commit_saying("Something good", "new", "new\n");
    let tree = place.git_says(&["rev-parse", "topic^{tree}"]);
    let over = place.git_says(&["commit-tree", &tree, "-p", "odd", "-m", "Take it away"]);
    place.git(&["update-ref", "refs/heads/topic", &over]).ok();
    place.approve("main", "topic");
    place.flow(&["check", "main..topic"]).exits(1).says("git calls invalid");
    // Also where a merge brings it.
    let merge = place.git_says(&["commit-tree", &tree, "-p", "main", "-p", &over, "-m", "Merge"]);
    place.approve("main", &merge);
    place.flow(&["check", &format!("main..{merge}")]).exits(1).says("git calls invalid");
}

#[test]
fn a_gitmodules_that_gives_git_options_or_commands_never_enters() {
    let place = place();
    for (line, enters) in [
        ("url = https://a.example/b.git", true),
        ("url = -uevil", false),
        ("url = ext::sh -c evil", false),
        ("url = https://a.example/%0aevil", false),
        ("path = -x", false),
        ("update = !evil", false),
    ] {
        place.git(&["switch", "--quiet", "-C", "topic", "main"]).ok();
        place.commit(".gitmodules", format!("[submodule \"lib\"]\n\t{line}\n"));
        place.approve("main", "topic");
        let out = place.flow(&["check", "main..topic"]);
        assert_eq!(out.status == 0, enters, "{line}: {out:?}");
    }
}

#[test]
fn odd_modes_of_old_programs_and_what_is_there_already_enter() {
    let place = place();
    for entry in [
        ("100664", "old"),
        ("100600", "older"),
        ("0100644", "padded"),
        ("100644", "aux"),
        ("100644", "git~2"),
    ] {
        odd(&place, &[entry]);
        place.flow(&["check", "main..odd"]).ok();
    }
    // A repository that has had one for years can still be worked on.
    odd(&place, &[("100644", "git~1")]);
    place.ungated(&["update-ref", "refs/heads/main", "odd"]).ok();
    odd(&place, &[("100644", "new")]);
    place.flow(&["check", "main..odd"]).ok();
}
