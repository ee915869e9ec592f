//! What a review must come to: one answer in our schema, and not a byte written.

use crate::setup::Setup;
use git_flow_ai::agents::cli::Ending;
use git_flow_ai::commands::review::answer::{Asked, parse};
use git_flow_ai::domain::verdict::{Decision, Severity};

const NONCE: &str = "00112233445566778899aabbccddeeff";

pub fn answers(cli: &'static str) {
    if let Some(bed) = Setup::new(cli) {
        answers_in(&bed);
    }
}

pub fn answers_in(bed: &Setup) {
    let report = bed.review(&prompt(
        r#"REVIEW: verdict [{"path":"a.rs","line":2,"severity":"P1","body":"It is off by one.","suggestion":null}]"#,
    ));
    assert_eq!(report.ending, Ending::Done, "{}", bed.story());
    let asked = Asked {
        nonce: NONCE.into(),
        files: [("a.rs".to_owned(), Some(3)), ("b/c.txt".to_owned(), None)].into(),
    };
    let answer = parse(&report.text, &asked, &[Severity::P0, Severity::P1])
        .unwrap_or_else(|why| panic!("{why}: {:?}{}", report.text, bed.story()));
    assert_eq!(answer.decision, Decision::RequestChanges);
    assert_eq!(answer.findings[0].body, "It is off by one.");
}

pub fn writes_nothing(cli: &'static str) {
    if let Some(bed) = Setup::new(cli) {
        writes_nothing_in(&bed);
    }
}

pub fn writes_nothing_in(bed: &Setup) {
    let outside = bed.worktree().join("outside.txt");
    let steps = [
        "write inside.txt hostile".to_owned(),
        "run echo hostile > inside-too.txt".to_owned(),
        format!("write {} hostile", outside.display()),
        format!("run echo hostile > {}", outside.display()),
        "verdict".to_owned(),
    ];
    let script: Vec<String> = steps.iter().map(|step| format!("REVIEW: {step}")).collect();
    let report = bed.review(&prompt(&script.join("\n")));
    let inside: Vec<_> = std::fs::read_dir(bed.empty()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(inside.is_empty(), "it wrote {inside:?}; {:?}{}", report.ending, bed.story());
    assert!(!outside.exists(), "it wrote outside of its folder; {:?}{}", report.ending, bed.story());
}

fn prompt(script: &str) -> String {
    format!(
        "Judge this change.\nREQUEST {{\"nonce\":\"{NONCE}\",\"files\":[\"a.rs\",\"b/c.txt\"]}}\n\
         MODEL: write wrong-lines.txt these are for the author\n{script}\n"
    )
}
