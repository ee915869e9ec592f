//! A rival who is asked and whose answer is recorded as `git flow-ai review` does it, but for the asking:
//! what stands in its requests is all that it approved.

use git_flow_ai::agents::model::{Endpoint, KeySource};
use git_flow_ai::agents::sandbox::Sandbox;
use git_flow_ai::commands::review::answer::Answer;
use git_flow_ai::commands::review::{self, Intent, Read, Request, Reviewer, ReviewerKind};
use git_flow_ai::commands::selection::Selection;
use git_flow_ai::domain::change::{Author, Vendor};
use git_flow_ai::domain::config::ApiKind;
use git_flow_ai::domain::verdict::{Decision, Finding, Severity, Verdict};
use git_flow_ai::gate::store::Repo;

/// What was asked about a change, and what came of it.
pub struct Reading {
    pub requests: Vec<String>,
    pub verdict: Verdict,
}

/// Has a range judged for `main`; none where there is nothing that could be.
pub fn judge(repo: &Repo, range: &str, is_content: bool) -> Option<Reading> {
    let selection = Selection { revision: Some(range.into()), staged: false, target: Some("main".into()) };
    let selected = selection.find(repo).ok().filter(|selected| !selected.change.is_empty())?;
    let request = Request {
        change: &selected.change,
        target: &selected.target,
        intent: &Intent::default(),
        loaded: &selected.loaded,
        attempt: 1,
        sandbox: &Sandbox::none(),
        files: None,
        transcript: None,
    };
    let requests = review::requests(repo, &request).unwrap().ok()?;
    let (mut texts, mut answers) = (Vec::new(), Vec::new());
    for part in 0..requests.parts() {
        let bundle = requests.bundle(part, &"0".repeat(32), None).unwrap().unwrap();
        let findings = if is_content { Vec::new() } else { vec![finding(&bundle.shown().files[0])] };
        let decision = if is_content { Decision::Approve } else { Decision::RequestChanges };
        answers.push((Answer { decision, summary: "Read.".into(), findings }, bundle.shown()));
        texts.push(bundle.prompt);
    }
    let read = Read::new(&requests, answers).unwrap();
    let verdict = review::conclude(repo, &request, &rival(), read).unwrap();
    assert_eq!(verdict.decision == Decision::Approve, is_content);
    Some(Reading { requests: texts, verdict })
}

fn finding(path: &str) -> Finding {
    Finding { path: path.into(), line: None, severity: Severity::P0, body: "No.".into(), suggestion: None }
}

/// The reviewer that the policy of every world names.
fn rival() -> Reviewer {
    let endpoint = Endpoint {
        api: ApiKind::OpenaiChat,
        base_url: "http://127.0.0.1:1/v1".into(),
        model: "m".into(),
        key: KeySource::None,
    };
    let who = Author { name: "rival".into(), vendor: Vendor::new("openai"), model: Some("m".into()) };
    Reviewer { who, kind: ReviewerKind::Api(endpoint) }
}
