//! `git flow-ai status`: read off branches that could have come from any clone.

use crate::support::{Out, Place};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

const PLAN: &str = "# Spec and Build\n\n### [ ] Step: Technical Specification\n<!-- document: spec.md -->\nWrite it.\n\n### [ ] Step: Implementation\nDo it.\n";
const TASKS: &str = "# Spec and Build\n\n### [x] Step: Technical Specification\n<!-- document: spec.md -->\nWrite it.\n\n### [x] Step: One\n<!-- id: one -->\nDo one.\n\n### [ ] Step: Two\n<!-- id: two -->\n<!-- after: one -->\nDo two.\n\n### [ ] Step: Three\n<!-- id: three -->\n<!-- after: two -->\nDo three.\n";

/// A spec's name, documents and trailers.
type Spec<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

/// Writes specs' branches without our own program: name, documents, trailers.
fn specs(place: &Place, specs: &[Spec<'_>]) {
    let mut stream = String::new();
    for (slug, documents, trailers) in specs {
        let message = format!("Begin\n\nFlow-Workflow: spec\n{trailers}");
        writeln!(
            stream,
            "commit refs/heads/flow/{slug}/spec\ncommitter Ada <ada@example.com> 1700000000 +0000"
        )
        .unwrap();
        writeln!(stream, "data {}\n{message}", message.len()).unwrap();
        for (name, text) in *documents {
            writeln!(stream, "M 100644 inline {name}\ndata {}\n{text}", text.len()).unwrap();
        }
    }
    let mut import = place.command("git");
    let mut import = import.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
}

/// The cells of the row that begins with that word.
fn row(out: &Out, first: &str) -> Vec<String> {
    let line = out.stdout.lines().find(|line| line.starts_with(first));
    let line = line.unwrap_or_else(|| panic!("no row `{first}` in\n{}", out.stdout));
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

#[test]
fn without_specs_it_says_how_to_begin() {
    Place::new().flow(&["status"]).ok().says("git flow-ai spec \"");
    Place::empty().flow(&["status"]).ok().says("git flow-ai spec \"");
    assert_eq!(Place::new().flow(&["status", "--json"]).ok().stdout, "[]\n");
}

#[test]
fn every_spec_is_listed_with_its_stage_and_the_command_that_comes_next() {
    let place = Place::new();
    let text = "# Technical specification\n\nIt is dark.\n";
    place.write("spec.md", text);
    let blob = place.git_says(&["hash-object", "spec.md"]);
    let approved =
        format!("Flow-Approved: spec.md {blob} 2026-11-21T10:00:00Z Ada Lovelace <ada@example.com>\n");
    let request = ("request.md", "# Dark mode\n\nPlease.\n");
    specs(
        &place,
        &[
            ("begun", &[request, ("plan.md", PLAN)], ""),
            ("written", &[request, ("plan.md", PLAN), ("spec.md", text)], ""),
            ("approved", &[request, ("plan.md", PLAN), ("spec.md", text)], &approved),
            (
                "edited",
                &[request, ("plan.md", PLAN), ("spec.md", "# Technical specification\n\nIt is darker.\n")],
                &approved,
            ),
            ("planned", &[request, ("plan.md", TASKS), ("spec.md", text)], &approved),
        ],
    );
    let out = place.flow(&["status"]).ok();
    assert_eq!(row(&out, "begun")[2], "Technical Specification: spec.md to write");
    assert_eq!(row(&out, "written").last().unwrap(), "git flow-ai approve written");
    assert_eq!(row(&out, "approved")[2], "implementation");
    assert_eq!(
        row(&out, "edited")[2],
        "Technical Specification: spec.md to approve",
        "an edit voids an approval"
    );
    assert_eq!(row(&out, "planned")[2..], ["implementation", "1/3", "git flow-ai run planned"]);

    let out = place.flow(&["status", "planned"]).ok().says("by Ada Lovelace");
    assert_eq!(row(&out, "two")[1], "ready");
    assert_eq!(row(&out, "three")[1], "waiting");
    place.flow(&["status", "edited"]).ok().says("void, changed since: Ada Lovelace");

    let json: serde_json::Value =
        serde_json::from_str(&place.flow(&["status", "--json"]).ok().stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 5);
    assert_eq!((&json[1]["slug"], &json[1]["stage"]), (&"begun".into(), &"write".into()));
    assert_eq!(json[1]["document"], "spec.md");
}

#[test]
fn a_plan_that_cannot_be_read_hides_no_other_spec() {
    let place = Place::new();
    let cycle = "# Plan\n\n### [ ] Step: A\n<!-- id: a -->\n<!-- after: b -->\nx\n\n### [ ] Step: B\n<!-- id: b -->\n<!-- after: a -->\nx\n";
    specs(
        &place,
        &[
            ("broken", &[("request.md", "# Broken\n"), ("plan.md", cycle)], ""),
            ("fine", &[("request.md", "# Fine\n"), ("plan.md", PLAN)], ""),
        ],
    );
    let out = place.flow(&["status"]).ok();
    assert_eq!(row(&out, "broken")[2..], ["plan cannot be read", "git flow-ai plan broken"]);
    assert_eq!(row(&out, "fine")[1], "Fine");
}

#[test]
fn a_title_cannot_steer_the_terminal() {
    let place = Place::new();
    specs(&place, &[("evil", &[("request.md", "# \u{1b}]0;owned\u{7}\u{202e}\n"), ("plan.md", PLAN)], "")]);
    for args in [&["status"][..], &["status", "evil"]] {
        let out = place.flow(args).ok();
        assert!(!out.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", out.stdout);
    }
}

#[test]
fn an_unknown_spec_is_no_answer() {
    let place = Place::new();
    specs(&place, &[("dark-mode", &[("request.md", "# Dark mode\n"), ("plan.md", PLAN)], "")]);
    place.flow(&["status", "dark-mod"]).exits(2).says("dark-mode");
    place.flow(&["status", "../etc"]).exits(2);
}

#[test]
fn a_reader_that_goes_early_is_no_failure() {
    let place = Place::new();
    let many: Vec<String> = (0..400).map(|n| format!("spec-{n:03}")).collect();
    let documents: &[(&str, &str)] =
        &[("request.md", "# A title of some length, for the pipe to fill\n"), ("plan.md", PLAN)];
    specs(&place, &many.iter().map(|slug| (slug.as_str(), documents, "")).collect::<Vec<_>>());
    let script =
        "git flow-ai status | true; echo ${PIPESTATUS[0]}; git flow-ai status | head -n 2 | tail -n 1";
    let out = Out::of(place.command("bash").args(["-c", script]).output().unwrap()).ok();
    assert!(out.stdout.starts_with("0\nspec-000"), "{out:?}");
    assert_eq!(out.stderr, "");
    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full to stand for a full disk");
        return;
    }
    let full = place.command("bash").args(["-c", "git flow-ai status > /dev/full"]).output().unwrap();
    Out::of(full).exits(2).says("error:");
}

#[test]
fn specs_are_listed_where_the_target_or_its_policy_cannot_be_told() {
    let place = Place::new();
    specs(&place, &[("planned", &[("request.md", "# Dark mode\n"), ("plan.md", PLAN)], "")]);
    place.git(&["branch", "flow/planned/one", "main"]).ok();
    place.commit(".zenflow/config.toml", "version = [");
    let warning = "warning: the verdicts cannot be counted";
    for target in ["main", ""] {
        place.git(&["config", "flow-ai.target", target]).ok();
        if target.is_empty() {
            place.git(&["config", "--unset", "flow-ai.target"]).ok();
        }
        let out = place.flow(&["status"]).ok().says(warning).says("config.toml");
        assert_eq!(row(&out, "planned")[1], "Dark mode");
        place.flow(&["status", "planned"]).ok().says(warning);
    }
    place.git(&["reset", "--quiet", "--hard", "HEAD~1"]).ok();
    place.git(&["checkout", "--quiet", "--detach"]).ok();
    place.git(&["branch", "-m", "main", "trunk"]).ok();
    let out = place.flow(&["status"]).ok().says(warning).says("HEAD is detached");
    assert_eq!(row(&out, "planned")[1], "Dark mode");
    let json = place.flow(&["status", "--json"]).ok();
    assert_eq!(json.json()[0]["slug"], "planned");
}

#[test]
fn a_verdict_that_cannot_be_read_hides_neither_its_spec_nor_why() {
    let place = Place::new();
    specs(&place, &[("planned", &[("request.md", "# Dark mode\n"), ("plan.md", PLAN)], "")]);
    place.git(&["checkout", "--quiet", "-b", "flow/planned/result"]).ok();
    place.commit("one", "1\n");
    place.git(&["checkout", "--quiet", "main"]).ok();
    place.approve("main", "flow/planned/result");
    let lost = place.git_says(&["notes", "--ref=flow-ai", "list", "flow/planned/result"]);
    fs::remove_file(place.repo().join(format!(".git/objects/{}/{}", &lost[..2], &lost[2..]))).unwrap();
    let out = place.flow(&["status"]).ok().says("warning: the verdicts on `planned` cannot be told");
    assert_eq!(row(&out, "planned")[2], "Technical Specification: spec.md to write");
}
