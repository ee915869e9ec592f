//! One question to a model server on loopback: every fault is a reason, never a text.

use crate::support::model_server::{Asked, Server, Step, always, chat, json_reply, reply};
use git_flow_ai::agents::model::{Completion, CompletionRequest, Endpoint, ModelError};
use git_flow_ai::domain::change::Vendor;
use git_flow_ai::domain::config::{ApiKind, ReviewerConfig};
use git_flow_ai::domain::event::Activity;
use git_flow_ai::system::process::stop::Stop;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// cargo sets it for every test; it stands for the variable with the key.
const KEY_ENV: &str = "CARGO_PKG_NAME";

/// The key that it holds.
const KEY: &str = env!("CARGO_PKG_NAME");

fn endpoint(api: ApiKind, base_url: String, key_env: &str) -> Endpoint {
    let config = ReviewerConfig {
        api: Some(api),
        base_url: Some(base_url),
        model: Some("m".into()),
        vendor: Some(Vendor::new("acme")),
        key_env: Some(key_env.into()),
        ..ReviewerConfig::default()
    };
    Endpoint::new("judge", &config).unwrap()
}

fn question(timeout: Duration) -> CompletionRequest {
    CompletionRequest {
        system: "Be just.".into(),
        prompt: "Is it good?".into(),
        schema: json!({"type": "object", "title": "our schema"}),
        timeout,
    }
}

/// Asks a Chat server for at most ten seconds.
async fn ask(server: &Server) -> (Result<Completion, ModelError>, Vec<Activity>) {
    ask_for(server, Duration::from_secs(10)).await
}

async fn ask_for(server: &Server, timeout: Duration) -> (Result<Completion, ModelError>, Vec<Activity>) {
    let endpoint = endpoint(ApiKind::OpenaiChat, format!("{}/v1", server.url()), KEY_ENV);
    let (_stopper, stop) = Stop::pair();
    let mut told = Vec::new();
    let answer = endpoint.ask(&question(timeout), &stop, |activity| told.push(activity)).await;
    (answer, told)
}

fn good() -> Step {
    always(json_reply(200, &chat("{}", "stop")))
}

fn error(status: u16, headers: &str, message: &str) -> Step {
    let body = json!({"error": {"message": message}}).to_string();
    always(reply(status, &format!("content-type: application/json\r\n{headers}"), &body))
}

#[tokio::test]
async fn each_api_is_asked_and_answers_in_its_own_way() {
    let text = "{\"a\":1}";
    let cases: [(ApiKind, &str, &str, &str, &str, Value); 4] = [
        (
            ApiKind::Anthropic,
            "",
            "POST /v1/messages ",
            "x-api-key",
            "/output_config/format/schema",
            json!({"model": "m-1", "stop_reason": "end_turn", "content": [{"type": "text", "text": text}],
                "usage": {"input_tokens": 5, "cache_read_input_tokens": 6, "output_tokens": 7}}),
        ),
        (
            ApiKind::Openai,
            "/v1",
            "POST /v1/responses ",
            "authorization",
            "/text/format/schema",
            json!({"model": "m-1", "status": "completed", "output": [{"type": "message", "content": [
                {"type": "output_text", "text": text}]}], "usage": {"input_tokens": 11, "output_tokens": 7}}),
        ),
        (
            ApiKind::OpenaiChat,
            "/v1",
            "POST /v1/chat/completions ",
            "authorization",
            "/response_format/json_schema/schema",
            json!({"model": "m-1", "choices": [{"finish_reason": "stop", "message": {"content": text}}],
                "usage": {"prompt_tokens": 11, "completion_tokens": 7}}),
        ),
        (
            ApiKind::Google,
            "",
            "POST /v1beta/models/m:generateContent ",
            "x-goog-api-key",
            "/generationConfig/responseJsonSchema",
            json!({"modelVersion": "m-1", "candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": text}]}}],
                "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7}}),
        ),
    ];
    for (api, path, line, key_header, schema, body) in cases {
        let server = Server::new(vec![always(json_reply(200, &body))]);
        let endpoint = endpoint(api, server.url() + path, KEY_ENV);
        let (_stopper, stop) = Stop::pair();
        let answer = endpoint.ask(&question(Duration::from_secs(10)), &stop, |_| ()).await.unwrap();
        assert_eq!(answer.text, text, "{api:?}");
        assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (11, 7), "{api:?}");
        assert_eq!(answer.model.as_deref(), Some("m-1"), "{api:?}");
        let asked: &Asked = &server.asked()[0];
        assert!(asked.line.starts_with(line), "{api:?}: {}", asked.line);
        assert!(asked.header(key_header).unwrap().ends_with(KEY), "{api:?}");
        assert_eq!(asked.body.pointer(schema).unwrap()["title"], "our schema", "{api:?}");
        let whole = asked.body.to_string();
        assert!(whole.contains("Be just.") && whole.contains("Is it good?"), "{api:?}: {whole}");
    }
}

#[tokio::test]
async fn a_server_that_knows_no_schemas_is_asked_without() {
    let server = Server::new(vec![error(400, "", "response_format: unsupported"), good()]);
    assert_eq!(ask(&server).await.0.unwrap().text, "{}");
    let asked = server.asked();
    assert!(asked[0].body["response_format"].is_object() && asked[1].body["response_format"].is_null());

    let server = Server::new(vec![error(400, "", "the context is too long")]);
    let (answer, _) = ask(&server).await;
    assert!(
        matches!(&answer, Err(ModelError::Rejected(why)) if why.contains("the context is too long")),
        "{answer:?}"
    );
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_wrong_key_is_told_at_once_and_never_repeated() {
    for status in [401, 403] {
        let server = Server::new(vec![error(status, "", &format!("invalid key {KEY}"))]);
        let (answer, _) = ask(&server).await;
        let Err(ModelError::Key(why)) = answer else { panic!("{answer:?}") };
        assert!(why.contains(KEY_ENV) && !why.contains(KEY), "{why}");
        assert_eq!(server.asked().len(), 1);
    }
    // Other faults repeat what the server says, but not the key in it.
    let server = Server::new(vec![error(404, "", &format!("{KEY} may not use this model"))]);
    let (answer, _) = ask(&server).await;
    let Err(ModelError::Rejected(why)) = answer else { panic!("{answer:?}") };
    assert!(why.contains("[key] may not use") && !why.contains(KEY), "{why}");
}

#[tokio::test]
async fn a_missing_key_asks_nobody() {
    let server = Server::new(vec![good()]);
    let endpoint = endpoint(ApiKind::Openai, server.url(), "FLOW_AI_NO_SUCH_KEY");
    let (_stopper, stop) = Stop::pair();
    let answer = endpoint.ask(&question(Duration::from_secs(5)), &stop, |_| ()).await;
    assert!(
        matches!(&answer, Err(ModelError::Key(why)) if why.contains("FLOW_AI_NO_SUCH_KEY")),
        "{answer:?}"
    );
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_limit_is_waited_for_as_long_as_the_server_says() {
    let server = Server::new(vec![error(429, "retry-after: 1\r\n", "slow down"), good()]);
    let begin = Instant::now();
    let (answer, told) = ask(&server).await;
    answer.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert_eq!(told, [Activity::RateLimited { seconds: Some(1), limit: None }]);
}

#[tokio::test]
async fn a_limit_that_outlasts_our_time_is_told_at_once() {
    for step in [
        error(429, "retry-after: 3600\r\n", "slow down"),
        error(529, "retry-after: 3600\r\n", "overloaded"),
        error(429, "", "You exceeded your current quota (insufficient_quota)"),
    ] {
        let server = Server::new(vec![step]);
        let begin = Instant::now();
        let (answer, _) = ask(&server).await;
        assert!(matches!(&answer, Err(ModelError::Limited(_))), "{answer:?}");
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let cut =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"choices\":"
            .to_vec();
    let ended = reply(200, "content-type: application/json\r\n", "{\"choices\":[{\"finish_reason\":\"st");
    let cases: [(&str, Vec<Step>); 4] = [
        ("500 twice", vec![error(500, "", "oops"), error(503, "", "oops"), good()]),
        ("a body that is cut", vec![always(cut.clone()), good()]),
        ("JSON that is cut", vec![always(ended), good()]),
        ("no reply at all", vec![always(Vec::new()), good()]),
    ];
    for (what, steps) in cases {
        let tries = steps.len();
        let server = Server::new(steps);
        let (answer, told) = ask(&server).await;
        assert_eq!(answer.unwrap().text, "{}", "{what}");
        assert_eq!(server.asked().len(), tries, "{what}");
        assert!(told.iter().all(|one| matches!(one, Activity::Retrying { .. })), "{what}: {told:?}");
        assert_eq!(told.len(), tries - 1, "{what}");
    }
    for bad in [error(500, "", "oops"), always(cut)] {
        let (answer, _) = ask_for(&Server::new(vec![bad]), Duration::from_secs(2)).await;
        assert!(matches!(&answer, Err(ModelError::Unreachable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = endpoint(ApiKind::OpenaiCompatible, format!("http://127.0.0.1:{port}/v1"), "");
    let (_stopper, stop) = Stop::pair();
    let answer = endpoint.ask(&question(Duration::from_secs(1)), &stop, |_| ()).await;
    assert!(matches!(&answer, Err(ModelError::Unreachable(why)) if why.contains("127.0.0.1")), "{answer:?}");
}

#[tokio::test]
async fn what_is_no_models_answer_is_rejected_in_few_plain_words() {
    let html = format!("<html>\u{1b}[2J<h1>Welcome</h1>{}</html>", "x".repeat(5000));
    let cases = [
        always(reply(200, "content-type: text/html\r\n", &html)),
        always(reply(200, "content-type: text/plain\r\n", "")),
        always(json_reply(200, &json!({"error": {"message": "provider \u{1b}[31m is down"}}))),
        error(413, "", "too large"),
        always(reply(200, "content-type: application/json\r\n", &" ".repeat(17 << 20))),
    ];
    for (number, step) in cases.into_iter().enumerate() {
        let server = Server::new(vec![step]);
        let (answer, _) = ask(&server).await;
        let Err(ModelError::Rejected(why)) = &answer else { panic!("{number}: {answer:?}") };
        assert!(why.len() < 400 && !why.contains('\u{1b}'), "{number}: {why}");
        assert_eq!(server.asked().len(), 1, "{number}");
    }
}

#[tokio::test]
async fn refused_empty_and_unfinished_answers_are_none() {
    for (body, why) in [
        (chat("", "stop"), "nothing"),
        (chat(" \n", "stop"), "nothing"),
        (chat("{\"verdict\":\"APP", "length"), "length limit"),
        (chat("{}", "content_filter"), "content_filter"),
        (json!({"choices": [{"finish_reason": "stop", "message": {"refusal": "I will not."}}]}), "refused"),
        (json!({"verdict": "APPROVE"}), "complete"),
        (json!([]), "complete"),
    ] {
        let server = Server::new(vec![always(json_reply(200, &body))]);
        let (answer, _) = ask(&server).await;
        assert!(
            matches!(&answer, Err(ModelError::NoAnswer(said)) if said.contains(why)),
            "{body}: {answer:?}"
        );
        assert_eq!(server.asked().len(), 1, "a model that said no is not asked again");
    }
}

#[tokio::test]
async fn silence_ends_when_the_time_is_over_or_we_are_told_to_stop() {
    let silent = || Server::new(vec![Box::new(|_: &Asked| None) as Step]);
    let begin = Instant::now();
    let (answer, _) = ask_for(&silent(), Duration::from_millis(300)).await;
    assert!(matches!(&answer, Err(ModelError::TimedOut(_))), "{answer:?}");

    let server = silent();
    let endpoint = endpoint(ApiKind::OpenaiChat, server.url(), KEY_ENV);
    let (stopper, stop) = Stop::pair();
    let question = question(Duration::from_secs(600));
    let (answer, ()) = tokio::join!(endpoint.ask(&question, &stop, |_| ()), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stopper.stop();
    });
    assert_eq!(answer, Err(ModelError::Stopped));
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_key_away() {
    let thief = Server::new(vec![good()]);
    let step = always(reply(307, &format!("location: {}/v1/chat/completions\r\n", thief.url()), ""));
    let server = Server::new(vec![step]);
    let (answer, _) = ask(&server).await;
    assert!(matches!(&answer, Err(ModelError::Rejected(why)) if why.contains("base_url")), "{answer:?}");
    assert!(thief.asked().is_empty());
}

#[test]
fn a_key_goes_nowhere_unencrypted_but_to_this_machine() {
    let endpoint = |base_url: &str, key_env: Option<&str>| {
        let config = ReviewerConfig {
            api: Some(ApiKind::OpenaiCompatible),
            base_url: Some(base_url.into()),
            model: Some("m".into()),
            key_env: key_env.map(str::to_owned),
            ..ReviewerConfig::default()
        };
        Endpoint::new("judge", &config)
    };
    assert!(endpoint("http://models.example/v1", None).is_ok());
    assert!(endpoint("http://localhost:11434/v1", Some("K")).is_ok());
    assert!(endpoint("https://models.example/v1", Some("K")).is_ok());
    let error = endpoint("http://models.example/v1", Some("K")).unwrap_err();
    assert!(error.to_string().contains("unencrypted"), "{error}");
    for bad in ["models.example", "ftp://models.example", "https://user:secret@models.example", ""] {
        let error = endpoint(bad, None).unwrap_err();
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
