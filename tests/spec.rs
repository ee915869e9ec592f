//! `git flow-ai spec` and `approve`: written without a checkout, approved by people, bound to the text.

use crate::support::{Config, Out, Place};
use std::process::Stdio;

const SLUG: &str = "dark-mode";

/// A spec with its document written, not approved.
fn written() -> Place {
    let place = Place::new();
    place.write("d.md", "# Dark mode\n\nIt is dark.\n");
    place.flow(&["spec", "Dark mode", "--from", "d.md"]).ok().says("git flow-ai approve dark-mode");
    std::fs::remove_file(place.repo().join("d.md")).unwrap();
    place
}

/// Runs with an editor that is this shell script.
fn edited(place: &Place, editor: &str, args: &[&str]) -> Out {
    place.script("editor", editor);
    Out::of(
        place.command("git").arg("flow-ai").args(args).env("GIT_EDITOR", "editor --flag").output().unwrap(),
    )
}

#[test]
fn a_spec_is_begun_in_the_editor_of_git() {
    let place = Place::new();
    let editor = r#"[ "$1" = --flag ] && shift; grep -q 'Difficulty' "$1" || exit 9; printf '# Mine\n\nDark.\n' > "$1""#;
    edited(&place, editor, &["spec", "Dark mode"]).ok().says("Begun: dark-mode");
    assert_eq!(place.git_says(&["show", "flow/dark-mode/spec:spec.md"]), "# Mine\n\nDark.");
    assert_eq!(place.git_says(&["show", "flow/dark-mode/spec:request.md"]), "# Dark mode");
    assert_eq!(place.git_says(&["status", "--short"]), "", "nothing is checked out");
}

#[test]
fn without_a_terminal_no_editor_is_started_unless_git_editor_names_one() {
    let place = Place::new();
    let mark = place.root().join("started");
    place.script("vi", &format!("touch '{}'", mark.display()));
    let mut command = place.command("git");
    let out = command.args(["flow-ai", "spec", "Dark mode"]).env_remove("GIT_EDITOR").env("TERM", "xterm");
    Out::of(out.output().unwrap()).exits(2).says("there is no terminal for the editor").says("--from FILE");
    assert!(!mark.exists());
    place.flow(&["spec", "show", "dark-mode"]).exits(2);
}

#[test]
fn an_editor_that_fails_or_writes_nothing_leaves_nothing() {
    let place = Place::new();
    edited(&place, "exit 3", &["spec", "Dark mode"]).exits(2).says("the editor `editor --flag` failed");
    edited(&place, ":", &["spec", "Dark mode"]).exits(2).says("nothing was written");
    assert_eq!(place.git_says(&["for-each-ref", "refs/heads/flow"]), "");
    assert_eq!(std::fs::read_dir(place.repo().join(".git/flow-ai/drafts")).unwrap().count(), 0);
    // What was typed before it failed is a person's work.
    let out =
        edited(&place, "printf 'my words' > \"$2\"; exit 1", &["spec", "Dark mode"]).exits(2).says("--from");
    let kept = std::fs::read_dir(place.repo().join(".git/flow-ai/drafts")).unwrap().next().unwrap().unwrap();
    assert_eq!(std::fs::read_to_string(kept.path()).unwrap(), "my words", "{}", out.stderr);
}

#[test]
fn a_quick_change_needs_nothing_but_its_request() {
    let place = Place::new();
    place.write("r.md", "Please.\r\nAt night.\r\n");
    place
        .flow(&["spec", "Dark mode", "--workflow", "quick", "--from", "r.md"])
        .ok()
        .says("git flow-ai run dark-mode");
    assert_eq!(
        place.git(&["show", "flow/dark-mode/spec:request.md"]).stdout,
        "# Dark mode\n\nPlease.\r\nAt night.\r\n"
    );
    place.flow(&["approve", SLUG]).ok().says("Nothing of dark-mode waits for approval");
}

#[test]
fn an_approval_is_of_one_exact_text() {
    let place = written();
    place.flow(&["spec", "list"]).ok().says("spec.md: unapproved");
    place
        .flow(&["approve", SLUG])
        .ok()
        .says("Approved: spec.md of dark-mode (3 lines, 25 bytes")
        .says("git flow-ai run");
    let body = place.git_says(&["log", "-1", "--format=%b", "flow/dark-mode/spec"]);
    let blob = place.git_says(&["rev-parse", "flow/dark-mode/spec:spec.md"]);
    assert!(
        body.contains(&format!("Flow-Approved: spec.md {blob} "))
            && body.contains("Ada Lovelace <ada@example.com>"),
        "{body}"
    );
    edited(&place, "printf 'more\\n' >> \"$2\"", &["spec", "edit", SLUG, "spec.md"])
        .ok()
        .says("the approval does not hold")
        .says("git flow-ai approve dark-mode");
    place.flow(&["spec", "show", SLUG]).ok().says("void since an edit: Ada Lovelace <ada@example.com>");
    // The same text again is what was approved, but that was undone: it is asked again.
    let json = place.flow(&["spec", "show", SLUG, "--json"]).ok().stdout;
    assert!(json.contains("\"holds\":false") && json.contains("\"may_run\":false"), "{json}");
}

#[test]
fn an_edit_by_hand_makes_void_only_what_it_touched() {
    let place = written();
    place.flow(&["approve", SLUG]).ok();
    place.git(&["switch", "-q", "flow/dark-mode/spec"]).ok();
    place.write("request.md", "# Dark mode\n\nFor the night.\n");
    place.git(&["commit", "-qam", "By hand"]).ok();
    place.flow(&["spec", "show", SLUG]).ok().says("1 task to do");
    place.write("spec.md", "# Dark mode\n\nIt is light.\n");
    place.git(&["commit", "-qam", "By hand"]).ok();
    place.flow(&["spec", "show", SLUG]).ok().says("spec.md: unapproved");
}

#[test]
fn only_people_approve() {
    let place = written();
    for args in
        [&["approve", SLUG][..], &["spec", "approve", SLUG], &["spec", "edit", SLUG, "--from", "README.md"]]
    {
        let out =
            place.command("git").arg("flow-ai").args(args).env("GIT_FLOW_AI_MODE", "edit").output().unwrap();
        Out::of(out).exits(2).says("an agent cannot");
    }
    place.flow(&["spec", "show", SLUG]).ok().says("spec.md: unapproved");
}

#[test]
fn what_nobody_has_written_cannot_be_approved() {
    let place = Place::new();
    place.flow(&["spec", "Dark mode", "--no-edit"]).ok().says("spec edit dark-mode spec.md");
    place.flow(&["approve", SLUG]).exits(2).says("spec.md is not written yet");
    place.flow(&["approve", SLUG, "--all"]).exits(2).says("spec.md is not written yet");
    place.write("d.md", "# Title\n\n<!-- what it is -->\n\n## Context\n");
    place.flow(&["spec", "edit", SLUG, "--from", "d.md"]).exits(2).says("would say nothing");
    place.flow(&["approve", SLUG, "--document", "spce.md"]).exits(2).says("did you mean `spec.md`?");
    place.flow(&["approve", "dark"]).exits(2).says("dark-mode");
}

#[test]
fn a_name_that_is_taken_is_refused_with_the_way_out() {
    let place = written();
    place.flow(&["spec", "Dark mode!", "--no-edit"]).exits(2).says("already: Dark mode").says("--slug");
    place.flow(&["spec", "Dark mode", "--slug", "other", "--no-edit"]).ok();
    place.flow(&["spec", "!?", "--no-edit"]).exits(2).says("--slug");
    place.flow(&["spec", "!?", "--slug", "moon", "--no-edit"]).ok();
    place.flow(&["spec", "  ", "--slug", "blank", "--no-edit"]).exits(2).says("no title");
    place.flow(&["spec", "T", "--slug", "No/Such", "--no-edit"]).exits(2);
    place.flow(&["spec", "lsit"]).exits(2).says("git flow-ai spec list");
    place.git(&["branch", "flow/moon2"]).ok();
    place.flow(&["spec", "x", "--slug", "moon2", "--no-edit"]).exits(2).says("git branch -m flow/moon2");
}

#[test]
fn of_two_that_begin_the_same_spec_at_once_one_is_told() {
    let place = Place::new();
    let children: Vec<_> = (0..6)
        .map(|number| {
            let line = format!("echo 'Words of number {number}.' | git flow-ai spec 'Dark mode' --from -");
            let mut command = place.command("sh");
            command.args(["-c", &line]).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let outs: Vec<Out> =
        children.into_iter().map(|child| Out::of(child.wait_with_output().unwrap())).collect();
    assert_eq!(outs.iter().filter(|out| out.status == 0).count(), 1, "{outs:?}");
    for out in outs.into_iter().filter(|out| out.status != 0) {
        out.exits(2).says("--slug");
    }
}

#[test]
fn two_who_write_different_documents_at_once_both_succeed_and_of_the_same_one_is_told() {
    let place = Place::new();
    place.flow(&["spec", "Dark mode", "--workflow", "sdd", "--no-edit"]).ok();
    place.write("other.md", "Somebody else's words.\n");
    // While the editor is open, somebody else writes.
    let meanwhile = |document: &str, words: &str| {
        format!(
            "git flow-ai spec edit dark-mode {document} --from other.md >/dev/null || exit 9; printf '{words}\\n' > \"$2\""
        )
    };
    edited(&place, &meanwhile("request.md", "Mine."), &["spec", "edit", SLUG, "requirements.md"]).ok();
    assert_eq!(place.git_says(&["show", "flow/dark-mode/spec:requirements.md"]), "Mine.");
    assert_eq!(place.git_says(&["show", "flow/dark-mode/spec:request.md"]), "Somebody else's words.");
    edited(&place, &meanwhile("requirements.md", "Mine again."), &["spec", "edit", SLUG, "requirements.md"])
        .exits(2)
        .says("was changed by somebody else")
        .says("nothing is lost");
    assert_eq!(place.git_says(&["show", "flow/dark-mode/spec:requirements.md"]), "Somebody else's words.");
}

#[test]
fn it_works_wherever_a_person_happens_to_be() {
    let place = written();
    // Dirty, detached, in the middle of a merge, in another worktree, in a folder below.
    place.write("README.md", "dirty\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "-qm", "One"]).ok();
    place.git(&["switch", "-qc", "other", "HEAD~1"]).ok();
    place.write("README.md", "another\n");
    place.git(&["commit", "-qam", "Two"]).ok();
    place.git(&["-c", "core.hooksPath=/dev/null", "merge", "-q", "main"]).exits(1);
    place.flow(&["approve", SLUG]).ok();
    place.git(&["merge", "--abort"]).ok();
    place.git(&["checkout", "-q", "--detach", "main"]).ok();
    place.flow(&["spec", "Detached", "--no-edit"]).ok();
    place.git(&["worktree", "add", "-q", "../side", "other"]).ok();
    let out = place
        .command("git")
        .args(["-C", "../side", "flow-ai", "spec", "From the side", "--no-edit"])
        .output()
        .unwrap();
    Out::of(out).ok();
    let bare = place.root().join("bare.git");
    place.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]).ok();
    let out = place
        .command("git")
        .args(["-C", bare.to_str().unwrap(), "flow-ai", "spec", "Bare", "--no-edit"])
        .output()
        .unwrap();
    Out::of(out).ok();
    Place::empty().flow(&["spec", "Before the first commit", "--no-edit"]).ok();
    let outside =
        place.command("git").args(["-C", "/", "flow-ai", "spec", "x", "--no-edit"]).output().unwrap();
    assert_eq!(Out::of(outside).status, 2);
}

#[test]
fn a_document_comes_back_byte_for_byte() {
    let place = Place::new();
    let mut long = "Zeile eins\r\nüñï 漢字 \u{1b}[31m\r\n".repeat(170_000);
    long.push_str("no line end");
    assert!(long.len() > 5_000_000);
    place.write("long.md", &long);
    place.flow(&["spec", "Long", "--from", "long.md"]).ok();
    place.flow(&["approve", "long"]).ok();
    assert_eq!(place.flow(&["spec", "show", "long", "spec"]).ok().stdout, long);
    place.write("latin1.md", b"caf\xe9\n");
    place.flow(&["spec", "edit", "long", "--from", "latin1.md"]).exits(2).says("latin1.md is not UTF-8");
    place.flow(&["spec", "edit", "long", "--from", "gone.md"]).exits(2).says("cannot read gone.md");
}

#[test]
fn standard_input_is_a_source_and_a_closed_pipe_no_failure() {
    let place = Place::new();
    let shell = |line: &str| Out::of(place.command("sh").args(["-c", line]).output().unwrap());
    shell("echo 'From a pipe.' | git flow-ai spec 'Dark mode' --from -").ok();
    assert_eq!(place.git_says(&["show", "flow/dark-mode/spec:spec.md"]), "From a pipe.");
    shell("{ git flow-ai spec show dark-mode; echo $? >&2; } | true").says("0");
    assert_eq!(place.flow(&["spec", "list", "--json"]).ok().stdout.lines().count(), 1);
}

/// A place whose agent `scribe` is this shell script; the prompt is in `$prompt`.
fn with_scribe(body: &str) -> Place {
    let place = Place::with_config(Config::new().run("attempts = 2").agent("scribe", "acme"));
    place.script("scribe", &format!("prompt=$(cat)\nfolder=.flow-ai-documents\n{body}"));
    place
}

#[test]
fn an_agent_drafts_step_by_step_up_to_what_a_person_must_approve() {
    let place = with_scribe(
        r#"[ -f README.md ] || exit 1
printf '%s' "$prompt" | grep -q 'Light at night' || exit 1
case $prompt in
  *"Write the document to \`$folder/requirements.md\`"*) printf '# R\n\nDark, by %s.\n' "$GIT_FLOW_AI_MODE" > $folder/requirements.md ;;
  *"Write the document to \`$folder/spec.md\`"*) cat $folder/requirements.md > $folder/spec.md ;;
  *) printf '# P\n\n### [ ] Step: A\n<!-- id: a -->\nDo.\n' > $folder/plan.md ;;
esac
echo spoiled > README.md; echo more > other.txt"#,
    );
    place.write("r.md", "Light at night hurts.\n");
    place
        .flow(&["spec", "Dark mode", "--workflow", "sdd", "--draft", "--from", "r.md"])
        .ok()
        .says("Drafted: requirements.md of dark-mode, by scribe")
        .says("changed 2 other files, which were thrown away")
        .says("Next: git flow-ai approve dark-mode");
    assert_eq!(place.git_says(&["show", "flow/dark-mode/spec:requirements.md"]), "# R\n\nDark, by edit.");
    assert_eq!(place.read("README.md"), "# A project\n");
    place
        .flow(&["plan", "dark-mode", "--draft"])
        .exits(2)
        .says("requirements.md comes first, and it is unapproved");
    place.flow(&["approve", SLUG]).ok().says("spec edit dark-mode spec.md --draft");
    place.flow(&["spec", "edit", SLUG, "spec.md", "--draft", "--agent", "scribe"]).ok();
    assert_eq!(place.git_says(&["show", "flow/dark-mode/spec:spec.md"]), "# R\n\nDark, by edit.");
    place.flow(&["approve", SLUG]).ok();
    place.flow(&["plan", SLUG, "--draft"]).ok().says("Drafted: plan.md");
    place.flow(&["approve", SLUG]).ok().says("git flow-ai run dark-mode");
    place.has_no_worktree();
}

#[test]
fn a_draft_that_cannot_be_taken_goes_back_and_then_fails_with_status_1() {
    let place = with_scribe(
        r#"case $prompt in *'Your last draft was not taken'*) printf 'Now.\n' > $folder/spec.md ;; *) echo 'I think it is fine' ;; esac"#,
    );
    place
        .flow(&["spec", "Dark mode", "--draft"])
        .ok()
        .says("spec.md` was not written")
        .says("Drafted: spec.md");

    for (body, why) in [
        ("echo 'Sorry' >&2; exit 1", "scribe did not write spec.md: it failed"),
        ("printf '# Title\\n' > $folder/spec.md", "says nothing"),
        ("ln -s /etc/passwd $folder/spec.md", "is no regular file"),
        ("mkfifo $folder/spec.md", "is no regular file"),
        (
            "rm -r $folder; mkdir elsewhere; echo words > elsewhere/spec.md; ln -s elsewhere $folder",
            "is no regular file",
        ),
        ("printf 'caf\\351' > $folder/spec.md", "is not UTF-8"),
    ] {
        let place = with_scribe(body);
        place
            .flow(&["spec", "Dark mode", "--draft"])
            .exits(1)
            .says(why)
            .says("spec edit dark-mode spec.md --draft");
        place.flow(&["spec", "show", SLUG]).ok().says("spec.md: missing");
        place.has_no_worktree();
    }
}

#[test]
fn who_is_to_draft_must_exist() {
    let place = Place::new();
    place.flow(&["spec", "Dark mode", "--draft"]).exits(2).says("there is no agent that could draft");
    // Nothing was begun, so that the same words work once there is an agent.
    place.flow(&["spec", "show", SLUG]).exits(2).says("there is no spec");
    let place = with_scribe("exit 1");
    place.flow(&["spec", "Dark mode", "--draft", "--agent", "nobody"]).exits(2).says("there are: scribe");
}

#[test]
fn a_document_about_the_implementation_comes_after_it_and_sees_its_result() {
    let place = with_scribe("cp done.txt $folder/report.md");
    let workflow = "# Own\n\n### [ ] Step: Build\n<!-- id: build -->\nBuild it.\n\n### [ ] Step: Report\nSave a report to `{@artifacts_path}/report.md`.\n<!-- approval: none -->\n";
    place.write(".zenflow/workflows/own.md", workflow);
    place.flow(&["spec", "Own", "--workflow", "own", "--no-edit"]).ok().says("Next: git flow-ai run own");
    // What a run leaves: the result, and a ticked box.
    place.git(&["switch", "-qc", "flow/own/result"]).ok();
    place.write("done.txt", "All is built.\n");
    place.git(&["add", "done.txt"]).ok();
    place.git(&["commit", "-qm", "Build"]).ok();
    place.git(&["switch", "-q", "main"]).ok();
    place.write("p.md", workflow.replace("[ ] Step: Build", "[x] Step: Build"));
    place
        .flow(&["plan", "own", "--from", "p.md"])
        .ok()
        .says("Next: git flow-ai spec edit own report.md --draft");
    place.flow(&["spec", "edit", "own", "--draft"]).ok().says("Next: git flow-ai merge own");
    assert_eq!(place.git_says(&["show", "flow/own/spec:report.md"]), "All is built.");
}
