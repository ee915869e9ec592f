//! Reviews over HTTP: verdicts, faults, keys, proxies.

use super::recorded;
use crate::support::model_server::{Server, Step, always, chat, json_reply, judge};
use crate::support::{Config, Out, Place};
use serde_json::json;

/// A repository whose reviewer is a server, with `extra` in its settings.
fn served(base_url: &str, extra: &str) -> Place {
    let api = format!(
        "api = \"openai-compatible\"\nbase_url = \"{base_url}\"\nmodel = \"m\"\nvendor = \"zeta\"\n{extra}"
    );
    let place = Place::with_config(Config::new().review("timeout = \"5s\"").section("reviewers.api", api));
    place.branch("topic", "main");
    place.commit("app.txt", "one\ntwo\n");
    place
}

fn review_with(place: &Place, env: &[(&str, &str)]) -> Out {
    Out::of(place.command("git-flow-ai").arg("review").envs(env.iter().copied()).output().unwrap())
}

#[test]
fn an_api_judges_and_its_tokens_are_recorded() {
    let server = Server::new(vec![judge(json!([]))]);
    let place = served(&format!("{}/v1", server.url()), "key_env = \"MY_KEY\"");
    let key = "sk-very-secret-1234";
    let out = review_with(&place, &[("MY_KEY", key)]).ok();
    assert_eq!(server.asked()[0].header("authorization"), Some("Bearer sk-very-secret-1234"));
    let note = place.git(&["notes", "--ref=flow-ai", "show", "HEAD"]).ok().stdout;
    assert!(note.contains("1200"), "{note}");
    for text in [out.stdout, out.stderr, note, server.asked()[0].prompt()] {
        assert!(!text.contains(key), "{text}");
    }
}

#[test]
fn an_api_that_fails_cannot_tell_and_its_key_stays_secret() {
    let key = "sk-very-secret-1234";
    let says_key = json!({"error": {"message": format!("bad key {key}")}});
    let cases: [(Step, &str); 4] = [
        (always(json_reply(401, &says_key)), "the key in MY_KEY was not accepted"),
        (always(json_reply(418, &says_key)), "[key]"),
        (always(json_reply(200, &chat("{\"verdict\":\"APPROVE\"}", "stop"))), "no verdict in our schema"),
        (always(json_reply(200, &chat("", "stop"))), "answered nothing"),
    ];
    for (step, why) in cases {
        let server = Server::new(vec![step]);
        let place = served(&format!("{}/v1", server.url()), "key_env = \"MY_KEY\"");
        let out = review_with(&place, &[("MY_KEY", key)]).exits(2).says(why);
        assert!(!out.stdout.contains(key) && !out.stderr.contains(key), "{out:?}");
        assert_eq!(recorded(&place), 0);
    }
    let place = served("http://127.0.0.1:9/v1", "key_env = \"MY_KEY\"");
    review_with(&place, &[]).exits(2).says("MY_KEY");
}

#[test]
fn proxies_of_the_environment_are_used_but_not_for_this_machine() {
    let proxy = Server::new(vec![judge(json!([]))]);
    let place = served("http://models.invalid/v1", "");
    review_with(&place, &[("http_proxy", &proxy.url())]).ok();
    assert_eq!(proxy.asked()[0].line, "POST http://models.invalid/v1/chat/completions HTTP/1.1");

    let other = Server::new(vec![judge(json!([]))]);
    let place = served("http://models.invalid/v1", "");
    review_with(&place, &[("http_proxy", &other.url()), ("NO_PROXY", "models.invalid")]).exits(2);
    let server = Server::new(vec![judge(json!([]))]);
    let place = served(&format!("{}/v1", server.url()), "");
    review_with(&place, &[("http_proxy", &other.url()), ("ALL_PROXY", &other.url())]).ok();
    assert!(other.asked().is_empty());
}

#[test]
fn a_proxy_of_the_environment_that_cannot_be_used_is_not_passed_by() {
    let place = served("http://models.invalid/v1", "");
    let why = "the proxy of the environment is none that speaks plain HTTP";
    review_with(&place, &[("http_proxy", "http://ada:p#w@127.0.0.1:9")]).exits(2).says(why);
    let proxy = Server::new(vec![judge(json!([]))]);
    let variables = [("HTTP_PROXY", ""), ("http_proxy", &proxy.url()), ("REQUEST_METHOD", "GET")];
    review_with(&place, &variables).ok();
    assert_eq!(proxy.asked().len(), 1);
}
