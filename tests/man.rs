//! The man pages are the help: git turns `git flow-ai --help` into `man git-flow-ai`.

use crate::support::Place;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn pages(dir: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn the_committed_pages_are_those_that_the_commands_make() {
    let place = Place::new();
    let fresh = place.root().join("man");
    place.flow(&["man", "--dir", fresh.to_str().unwrap()]).ok().says("man pages");
    let (fresh, committed) = (pages(&fresh), pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("man")));
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    let mend = "run: cargo run -- man --dir man (and git rm pages of commands that are gone)";
    assert_eq!(names(&committed), names(&fresh), "{mend}");
    for (name, text) in fresh {
        assert!(committed[&name] == text, "man/{name} is stale; {mend}");
    }
}

#[test]
fn every_page_speaks_of_git_flow_ai_as_a_person_types_it() {
    let place = Place::new();
    let dir = place.root().join("man");
    place.flow(&["man", "--dir", dir.to_str().unwrap()]).ok();
    let pages = pages(&dir);
    assert!(pages.contains_key("git-flow-ai.1") && pages.contains_key("git-flow-ai-run.1"));
    assert!(!pages.contains_key("git-flow-ai-hook.1"), "what only hooks call has no page");
    for (name, text) in pages.iter().filter(|(name, _)| name.ends_with(".1")) {
        let words = name.trim_end_matches(".1").trim_start_matches("git-flow-ai").replace("\\-", "-");
        let synopsis = text.split(".SH SYNOPSIS\n").nth(1).unwrap().lines().next().unwrap();
        let typed = format!("git flow\\-ai{}", words.replace('-', " "));
        assert!(synopsis.starts_with(&format!("\\fB{typed}\\fR")), "{name}: {synopsis}");
    }
}

#[test]
fn the_page_on_the_gate_is_found_as_the_others_are() {
    let place = Place::new();
    // As if installed: `bin/` and, beside it, `share/man/`.
    let program = place.root().join("bin/git-flow-ai");
    fs::copy(env!("CARGO_BIN_EXE_git-flow-ai"), &program).unwrap();
    place.flow(&["man"]).ok().says("share/man");
    let man = place.root().join("share/man");
    assert!(man.join("man1/git-flow-ai.1").exists());
    let page = fs::read_to_string(man.join("man7/git-flow-ai-gate.7")).unwrap();
    assert!(page.contains(".SS Rebase\n") && !page.contains("**") && !page.contains("| "), "{page}");
    // Which page `git help` asks for.
    let help = ["-c", "man.viewer=echo", "-c", "man.echo.cmd=echo", "help", "--man"];
    for (words, name) in [("git-flow-ai-gate", "git-flow-ai-gate"), ("flow-ai-gate", "gitflow-ai-gate")] {
        place.git(&[&help[..], &[words]].concat()).ok().says(name);
        assert!(man.join(format!("man7/{name}.7")).exists());
    }
}
