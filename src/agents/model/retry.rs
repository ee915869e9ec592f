//! Asks until there is an answer, a permanent error, or no time left.
//!
//! Worth another try: a limit (429, 529), a broken server (500, 502, 503, 504), no connection, a cut
//! reply. Each is tried again after a growing wait with jitter, or after as long as the server says
//! in `retry-after`; if that is longer than the time left, we say so and give up.

use super::http::{HttpError, HttpReply};
use super::{ApiKey, Completion, CompletionRequest, Endpoint, KeySource, ModelError, http};
use crate::domain::event::Activity;
use crate::domain::phrases;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// How often one request is sent.
const TRIES: u32 = 8;

/// The first wait; each later one is twice as long, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait that we choose ourselves.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How much of what a server says is reported, in characters.
const EXCERPT: usize = 200;

/// Why one try gave no answer, by what can be done about it.
#[derive(Debug)]
enum TryError {
    /// Try again; after that time, if the server named one.
    Transient(ModelError, Option<Duration>),
    /// Ask without the schema: perhaps the server cannot enforce one.
    SchemaRejected(ModelError),
    Permanent(ModelError),
}

/// Asks, within the request's time.
pub async fn ask(
    endpoint: &Endpoint,
    request: &CompletionRequest,
    mut on: impl FnMut(Activity),
) -> Result<Completion, ModelError> {
    let deadline = Instant::now() + request.timeout;
    let exchange = Exchange::new(endpoint)?;
    let mut structured = true;
    let mut tries = 1;
    loop {
        let body = endpoint.body(request, structured);
        let Ok(outcome) = tokio::time::timeout_at(deadline, exchange.once(&body)).await else {
            let seconds = request.timeout.as_secs_f32();
            return Err(ModelError::TimedOut(exchange.says(format!("no answer within {seconds:.0} s"))));
        };
        let (error, wait) = match outcome {
            Ok(answer) => return Ok(answer),
            Err(TryError::Permanent(error)) => return Err(error),
            Err(TryError::SchemaRejected(_)) if structured => {
                structured = false;
                continue;
            }
            Err(TryError::SchemaRejected(error)) => return Err(error),
            Err(TryError::Transient(error, wait)) => (error, wait),
        };
        let pause = wait.unwrap_or_else(|| backoff(tries, random()));
        if tries == TRIES || Instant::now() + pause >= deadline {
            return Err(given_up(error, tries, wait));
        }
        on(match &error {
            ModelError::Limited(_) => Activity::RateLimited { seconds: Some(pause.as_secs()), limit: None },
            other => Activity::Retrying { why: other.to_string() },
        });
        tokio::time::sleep(pause).await;
        tries += 1;
    }
}

/// Everything about one endpoint that stays the same from try to try.
struct Exchange<'a> {
    endpoint: &'a Endpoint,
    key: Option<ApiKey>,
    url: reqwest::Url,
    headers: HeaderMap,
    client: reqwest::Client,
}

impl<'a> Exchange<'a> {
    fn new(endpoint: &'a Endpoint) -> Result<Exchange<'a>, ModelError> {
        let key = endpoint.key().map_err(|error| ModelError::Key(error.to_string()))?;
        let headers = endpoint.headers(key.as_ref())?;
        let address = endpoint.url();
        let url = address.parse().map_err(|_| ModelError::Rejected(format!("`{address}` is no address")))?;
        let client = http::client(&url).map_err(|error| match error {
            HttpError::Connection(why) | HttpError::Permanent(why) => ModelError::Unreachable(why),
        })?;
        Ok(Exchange { endpoint, key, url, headers, client })
    }

    async fn once(&self, body: &Value) -> Result<Completion, TryError> {
        match http::post(&self.client, &self.url, &self.headers, body).await {
            Ok(reply) if (200..300).contains(&reply.status) => self.read(&reply),
            Ok(reply) => Err(self.error(&reply)),
            Err(HttpError::Connection(why)) => {
                Err(TryError::Transient(ModelError::Unreachable(self.says(why)), None))
            }
            Err(HttpError::Permanent(why)) => Err(TryError::Permanent(ModelError::Rejected(self.says(why)))),
        }
    }

    /// The answer in a reply that the server calls a success.
    fn read(&self, reply: &HttpReply) -> Result<Completion, TryError> {
        let body: Value = match serde_json::from_slice(&reply.body) {
            Ok(body) => body,
            Err(error) if error.is_eof() && reply.is_json() => {
                return Err(TryError::Transient(
                    ModelError::Unreachable(self.says("the answer was cut off")),
                    None,
                ));
            }
            Err(_) => {
                let why = format!("this is no model's API, it answered: {}", self.excerpt(reply));
                return Err(TryError::Permanent(ModelError::Rejected(self.says(why))));
            }
        };
        // Gateways report a fault of the server behind them as a success.
        if body["error"].is_object() || body["error"].is_string() {
            return Err(TryError::Permanent(ModelError::Rejected(self.says(self.excerpt(reply)))));
        }
        self.endpoint.read(&body).map_err(TryError::Permanent)
    }

    /// What another status than success means.
    fn error(&self, reply: &HttpReply) -> TryError {
        let status = reply.status;
        let what = self.says(format!("{status}: {}", self.excerpt(reply)));
        let wait = || retry_after(&reply.headers, Timestamp::now());
        match status {
            // What a server says about a key may hold the key.
            401 | 403 => TryError::Permanent(ModelError::Key(self.says(match &self.endpoint.key {
                KeySource::None => format!("{status}: a key is needed, name its variable with `key_env`"),
                source => format!("{status}: the key {} was not accepted", source.describe()),
            }))),
            429 if phrases::needs_payment(&String::from_utf8_lossy(&reply.body)) => {
                TryError::Permanent(ModelError::Limited(what))
            }
            429 | 529 => TryError::Transient(ModelError::Limited(what), wait()),
            408 | 500 | 502 | 503 | 504 => TryError::Transient(ModelError::Unreachable(what), wait()),
            300..400 => TryError::Permanent(ModelError::Rejected(
                self.says(format!("{status}: it points to another address; set `base_url` to the right one")),
            )),
            400 | 422 => TryError::SchemaRejected(ModelError::Rejected(what)),
            404 => TryError::Permanent(ModelError::Rejected(format!(
                "{what} (is `base_url` right, and the model `{}`?)",
                self.endpoint.model
            ))),
            _ => TryError::Permanent(ModelError::Rejected(what)),
        }
    }

    /// A sentence about this server.
    fn says(&self, what: impl std::fmt::Display) -> String {
        format!("{}: {what}", self.endpoint.host())
    }

    /// What a reply says, short, on one line, without anything that a terminal would obey, and
    /// without the key, which some servers repeat.
    fn excerpt(&self, reply: &HttpReply) -> String {
        let parsed: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let places = [&parsed["error"]["message"], &parsed["error"], &parsed["message"], &parsed["detail"]];
        let whole = String::from_utf8_lossy(&reply.body);
        let text = places.into_iter().find_map(Value::as_str).unwrap_or(&whole);
        let text = match &self.key {
            Some(key) => text.replace(&key.text, "[key]"),
            None => text.to_owned(),
        };
        let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let words: Vec<&str> = printable.split_whitespace().collect();
        let line = words.join(" ");
        match line.char_indices().nth(EXCERPT) {
            Some((end, _)) => format!("{} …", &line[..end]),
            None if line.is_empty() => "an empty reply".into(),
            None => line,
        }
    }
}

/// The error, with what was done about it.
fn given_up(error: ModelError, tries: u32, wait: Option<Duration>) -> ModelError {
    let add = |what: String| match wait {
        Some(wait) => format!("{what} (asks to wait {} s, longer than there is time)", wait.as_secs()),
        None if tries > 1 => format!("{what} (asked {tries} times)"),
        None => what,
    };
    match error {
        ModelError::Limited(what) => ModelError::Limited(add(what)),
        ModelError::Unreachable(what) => ModelError::Unreachable(add(what)),
        other => other,
    }
}

/// The wait after so many tries: doubling, of which `random` (0 to 1) takes away up to half, so that
/// many who were refused together do not come back together.
fn backoff(tries: u32, random: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << tries.saturating_sub(1).min(16));
    doubled.min(LONGEST_WAIT).mul_f64(1.0 - random / 2.0)
}

fn random() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

/// How long the server asks to wait: seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_spread() {
        assert_eq!(backoff(1, 0.0), Duration::from_millis(500));
        assert_eq!(backoff(3, 0.0), Duration::from_secs(2));
        assert_eq!(backoff(3, 1.0), Duration::from_secs(1));
        assert_eq!(backoff(40, 0.0), LONGEST_WAIT);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let wait = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(reqwest::header::RETRY_AFTER, reqwest::header::HeaderValue::from_static(text));
            retry_after(&headers, now)
        };
        assert_eq!(wait("17"), Some(Duration::from_secs(17)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO), "a date that has passed");
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("1e400"), None);
    }
}
