//! A model server that follows a script, so that real agent CLIs and our own HTTP client can be
//! tested without a model, a key or a network.
//!
//! It listens on 127.0.0.1 and speaks Anthropic Messages, OpenAI Chat Completions and Responses, and
//! Google Gemini, streaming and not. Scripts come from the prompt or the URL: [`mind`] says which
//! one holds, [`script`] what can stand in it. Tests start it with [`start`]; `main.rs` makes it a
//! program.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

mod dialect;
mod mind;
mod script;
mod tools;

use anyhow::{Context, Result};
use dialect::{Dialect, Event, Reply};
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use mind::Decision;
use script::{Fault, Kind};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where the server writes what.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Appended to: one JSON line per request, without headers and queries, since they carry keys.
    pub log: Option<PathBuf>,
    /// A folder for the requests' bodies.
    pub dump: Option<PathBuf>,
}

struct Server {
    options: Options,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    replies: u64,
    met: mind::Met,
}

type Answer = Response<http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>>;

/// Starts a server on a free port of 127.0.0.1, on a thread of its own, and returns its address
/// (`http://127.0.0.1:PORT`). It lives as long as the process.
pub fn start(options: Options) -> Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no port on the loopback is free")?;
    listener.set_nonblocking(true)?;
    let address = format!("http://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let server = Arc::new(Server { options, state: Mutex::default() });
    std::thread::spawn(move || runtime.block_on(serve(listener, server)));
    Ok(address)
}

async fn serve(listener: std::net::TcpListener, server: Arc<Server>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((socket, _)) = listener.accept().await {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| Arc::clone(&server).answer(request));
            // An error is a client that hung up, or a connection that a script cut.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

impl Server {
    async fn answer(self: Arc<Server>, request: hyper::Request<Incoming>) -> Result<Answer, Infallible> {
        let path = request.uri().path().to_owned();
        let (name, path) = match path.strip_prefix("/s/").and_then(|rest| rest.split_once('/')) {
            Some((name, rest)) => (Some(name.to_owned()), format!("/{rest}")),
            None => (None, path),
        };
        if request.method() != hyper::Method::POST {
            return Ok(whole(
                200,
                &json!({"object": "list", "data": [{"id": "scripted", "object": "model"}]}),
            ));
        }
        let Some(dialect) = Dialect::of(&path) else { return Ok(whole(404, &json!({"error": "not found"}))) };
        let bytes = match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(whole(400, &dialect.error(400, &error.to_string()))),
        };
        if path.ends_with("count_tokens") || path.ends_with(":countTokens") {
            return Ok(whole(
                200,
                &json!({"input_tokens": dialect::USAGE.0, "totalTokens": dialect::USAGE.0}),
            ));
        }
        let told = self.decide(dialect, &path, name.as_deref(), &bytes);
        let (fault, status, note) = match &told {
            Ok((_, _, decision)) => {
                let fault = decision.fault.as_ref();
                (fault.is_some(), fault.map_or(200, status_of), decision.note.clone())
            }
            Err(error) => (false, 400, format!("{error:#}")),
        };
        self.log(&json!({"path": path, "script": name, "bytes": bytes.len(), "fault": fault,
                         "status": status, "note": note}));
        Ok(match told {
            Ok((asked, reply, decision)) => give(dialect, &asked, &reply, decision.fault).await,
            Err(error) => whole(400, &dialect.error(400, &format!("scripted model: {error:#}"))),
        })
    }

    fn decide(
        &self,
        dialect: Dialect,
        path: &str,
        name: Option<&str>,
        bytes: &[u8],
    ) -> Result<(dialect::Request, Reply, Decision)> {
        let body: Value = serde_json::from_slice(bytes).context("the body is no JSON")?;
        let request = dialect.read(&body, path);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.replies += 1;
        let id = state.replies;
        if let Some(folder) = &self.options.dump {
            fs::write(folder.join(format!("{id:06}.json")), bytes)?;
        }
        let mut decision = mind::decide(&request, dialect, name, &mut state.met)?;
        let content = std::mem::replace(&mut decision.content, dialect::Content::Nothing);
        Ok((request, Reply { id, content }, decision))
    }

    fn log(&self, entry: &Value) {
        if let Some(path) = &self.options.log {
            // A log that cannot be written is seen by the test that reads it.
            let _ = fs::File::options()
                .create(true)
                .append(true)
                .open(path)
                .and_then(|mut file| writeln!(file, "{entry}"));
        }
    }
}

/// The answer on the wire, with its fault.
async fn give(dialect: Dialect, request: &dialect::Request, reply: &Reply, fault: Option<Fault>) -> Answer {
    if let Some(Fault { kind: Kind::Status(status), amount, .. }) = fault {
        let mut answer = whole(status, &dialect.error(status, &format!("scripted {status}")));
        if matches!(status, 429 | 503 | 529) {
            answer.headers_mut().insert("retry-after", amount.unwrap_or(1).into());
        }
        return answer;
    }
    if fault.as_ref().is_some_and(|fault| fault.kind == Kind::Hang) {
        return std::future::pending().await; // until the client hangs up
    }
    let pieces: Vec<String> = if request.stream {
        dialect.events(request, reply).into_iter().map(on_the_wire).collect()
    } else {
        let text = dialect.whole(request, reply).to_string();
        let half = text.floor_char_boundary(text.len() / 2);
        vec![text[..half].to_owned(), text[half..].to_owned()]
    };
    let (sender, channel) = Channel::new(16);
    tokio::spawn(send(sender, pieces, fault));
    let kind = if request.stream { "text/event-stream" } else { "application/json" };
    response(200, kind, channel)
}

/// Sends the pieces one by one; a fault slows them, spoils the middle one or stops in it.
async fn send(mut sender: Sender<Bytes, std::io::Error>, pieces: Vec<String>, fault: Option<Fault>) {
    let middle = pieces.len() / 2;
    let kind = fault.as_ref().map(|fault| fault.kind);
    let delay = Duration::from_secs(fault.and_then(|fault| fault.amount).unwrap_or(1));
    for (at, mut piece) in pieces.into_iter().enumerate() {
        if kind == Some(Kind::Slow) {
            tokio::time::sleep(delay).await;
        }
        let spoilt = at == middle && matches!(kind, Some(Kind::Malformed | Kind::Cut));
        if spoilt {
            piece.truncate(piece.floor_char_boundary(piece.trim_end().len() / 2));
        }
        if spoilt && kind == Some(Kind::Malformed) {
            piece += "\n\n";
        }
        if sender.send_data(piece.into()).await.is_err() {
            return; // the client hung up
        }
        if spoilt && kind == Some(Kind::Cut) {
            return sender.abort(std::io::Error::other("cut by the script"));
        }
    }
}

fn on_the_wire(event: Event) -> String {
    match event.name {
        Some(name) => format!("event: {name}\ndata: {}\n\n", event.data),
        None => format!("data: {}\n\n", event.data),
    }
}

fn status_of(fault: &Fault) -> u16 {
    match fault.kind {
        Kind::Status(status) => status,
        _ => 200,
    }
}

fn whole(status: u16, value: &Value) -> Answer {
    let body = Full::from(value.to_string()).map_err(|never| match never {});
    response(status, "application/json", body)
}

fn response(
    status: u16,
    kind: &'static str,
    body: impl Body<Data = Bytes, Error = std::io::Error> + Send + 'static,
) -> Answer {
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(kind));
    answer
}
