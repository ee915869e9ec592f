//! `git flow-ai plan`: tasks that can be carried out, or a refusal with the line.

use crate::support::Place;

const PLAN: &str = "# Plan\n\n### [ ] Step: Store\n<!-- id: store -->\nKeep it.\n\n### [ ] Step: Page\n<!-- id: page -->\n<!-- after: store -->\nShow it.\n";

/// A spec of the full workflow with everything approved but the plan.
fn planning() -> Place {
    let place = Place::new();
    place.flow(&["spec", "Dark mode", "--workflow", "sdd", "--no-edit"]).ok();
    place.write("d.md", "# Wanted\n\nIt is dark.\n");
    for _ in ["requirements.md", "spec.md"] {
        place.flow(&["spec", "edit", "dark-mode", "--from", "d.md"]).ok();
        place.flow(&["approve", "dark-mode"]).ok();
    }
    place
}

#[test]
fn a_plan_that_is_still_the_workflow_s_copy_is_no_plan() {
    let place = planning();
    place.flow(&["spec", "show", "dark-mode"]).ok().says("plan.md: missing");
    place.flow(&["approve", "dark-mode"]).exits(2).says("plan.md is not written yet");
    place
        .flow(&["approve", "dark-mode", "--document", "plan.md"])
        .exits(2)
        .says("plan.md is not written yet");
}

#[test]
fn a_plan_is_written_shown_and_approved() {
    let place = planning();
    place.write("p.md", PLAN);
    let out = place.flow(&["plan", "dark-mode", "--from", "p.md"]).ok().says("git flow-ai approve dark-mode");
    assert!(
        out.stdout.lines().any(|line| line.starts_with("page ") && line.contains("store")),
        "{}",
        out.stdout
    );
    place.flow(&["approve", "dark-mode"]).ok().says("Approved: plan.md").says("git flow-ai run dark-mode");
    let json = place.flow(&["plan", "dark-mode", "--json"]).ok().stdout;
    assert!(json.contains(r#""after":["store"]"#), "{json}");
}

#[test]
fn ticks_keep_an_approval_and_any_other_edit_makes_it_void() {
    let place = planning();
    place.write("p.md", PLAN);
    place.flow(&["plan", "dark-mode", "--from", "p.md"]).ok();
    place.flow(&["approve", "dark-mode"]).ok();
    place.write("p.md", PLAN.replace("[ ] Step: Store", "[x] Step: Store"));
    place.flow(&["plan", "dark-mode", "--from", "p.md"]).ok().says("git flow-ai run dark-mode");
    place.write("p.md", PLAN.replace("Keep it", "Drop it"));
    place
        .flow(&["plan", "dark-mode", "--from", "p.md"])
        .ok()
        .says("the approval does not hold for the new text")
        .says("git flow-ai approve dark-mode");
    place.flow(&["spec", "show", "dark-mode"]).ok().says("void since an edit: Ada Lovelace");
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_refused_and_changes_nothing() {
    let place = planning();
    let before = place.git_says(&["rev-parse", "flow/dark-mode/spec"]);
    for (text, message) in [
        (
            PLAN.replace("id: store -->", "id: store -->\n<!-- after: page -->"),
            "store (line 3) → page (line 8) → store",
        ),
        (PLAN.replace("after: store", "after: stroe"), "did you mean `store`?"),
        (PLAN.replace("id: page", "id: store"), "plan.md:7: the id `store` is taken by the step in line 3"),
        ("# Plan\n\nwords\n".to_owned(), "plan.md has no task"),
        ("# Plan\n".to_owned(), "plan.md would say nothing"),
    ] {
        place.write("p.md", text);
        place.flow(&["plan", "dark-mode", "--from", "p.md"]).exits(2).says(message);
    }
    assert_eq!(place.git_says(&["rev-parse", "flow/dark-mode/spec"]), before);
}

#[test]
fn a_branch_with_a_broken_plan_is_told_with_status_1_and_cannot_be_approved() {
    let place = planning();
    place.git(&["switch", "-q", "flow/dark-mode/spec"]).ok();
    place.write("plan.md", PLAN.replace("after: store", "after: nobody"));
    place.git(&["commit", "-qam", "By hand"]).ok();
    place.git(&["switch", "-q", "main"]).ok();
    place.flow(&["plan", "dark-mode", "--check"]).exits(1).says("plan.md:9: `page` comes after `nobody`");
    place.flow(&["approve", "dark-mode"]).exits(2).says("plan.md:9");
    place.flow(&["spec", "show", "dark-mode"]).ok().says("plan.md: invalid").says("plan.md:9");
}

#[test]
fn what_a_person_typed_is_kept_when_the_plan_is_refused() {
    let place = planning();
    place.script("typist", "printf '# P\\n\\n### [ ] Step: A\\n<!-- id: spec -->\\nwords\\n' > \"$1\"");
    let out = place
        .command("git")
        .args(["flow-ai", "plan", "dark-mode"])
        .env("GIT_EDITOR", "typist")
        .output()
        .unwrap();
    let out = crate::support::Out::of(out).exits(2).says("the id `spec` is reserved").says("nothing is lost");
    let file = out
        .stderr
        .split_whitespace()
        .find(|word| word.ends_with(".md:") && word.contains("/drafts/"))
        .unwrap();
    let text = std::fs::read_to_string(file.trim_end_matches(':')).unwrap();
    assert!(text.contains("### [ ] Step: A"));
}
