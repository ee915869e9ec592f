//! A model server on loopback that answers by a list of steps and remembers what it was asked.
//!
//! Each request takes the next step; the last one repeats. A step gets the request and returns the
//! raw bytes to send, so that it can cut, lie and hang as servers do. For whole agent CLIs there is
//! the scripted model in `tests/fakes`.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The first line: `POST /v1/messages HTTP/1.1`.
    pub line: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, null where it is no JSON.
    pub body: Value,
}

impl Asked {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The prompt: the text of the body that holds the REQUEST line.
    pub fn prompt(&self) -> String {
        fn find(value: &Value) -> Option<String> {
            match value {
                Value::String(text) if text.starts_with("REQUEST {") => Some(text.clone()),
                Value::Array(items) => items.iter().find_map(find),
                Value::Object(items) => items.values().find_map(find),
                _ => None,
            }
        }
        find(&self.body).unwrap_or_default()
    }

    /// An answer in our schema, about this request, with these findings.
    pub fn verdict(&self, findings: Value) -> String {
        let prompt = self.prompt();
        let request: Value =
            serde_json::from_str(prompt.lines().next().unwrap().trim_start_matches("REQUEST ")).unwrap();
        let verdict = if findings == json!([]) { "APPROVE" } else { "REQUEST CHANGES" };
        json!({"nonce": request["nonce"], "verdict": verdict, "summary": "Read.",
            "files": request["files"], "findings": findings})
        .to_string()
    }
}

/// What to do with a request: the bytes to send; none: say nothing and hold the connection.
pub type Step = Box<dyn Fn(&Asked) -> Option<Vec<u8>> + Send + Sync>;

/// A server that listens until the test is over.
pub struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts one.
    pub fn new(steps: Vec<Step>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let asked = Arc::clone(&server.asked);
        let steps = Arc::new(steps);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, steps) = (Arc::clone(&asked), Arc::clone(&steps));
                thread::spawn(move || serve(stream, &asked, &steps));
            }
        });
        server
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What has been asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Reads one request, takes its step, closes the connection.
fn serve(mut stream: TcpStream, asked: &Mutex<Vec<Asked>>, steps: &[Step]) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':') {
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let request = Asked {
        line: line.trim().to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let number = {
        let mut asked = asked.lock().unwrap();
        asked.push(request.clone());
        asked.len() - 1
    };
    match steps[number.min(steps.len() - 1)](&request) {
        Some(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        // The client must give up, not we.
        None => thread::sleep(Duration::from_secs(120)),
    }
}

/// A whole HTTP reply.
pub fn reply(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
        .into_bytes()
}

/// A JSON reply.
pub fn json_reply(status: u16, body: &Value) -> Vec<u8> {
    reply(status, "content-type: application/json\r\n", &body.to_string())
}

/// A step that always sends this.
pub fn always(bytes: Vec<u8>) -> Step {
    Box::new(move |_| Some(bytes.clone()))
}

/// A Chat Completions body with that text.
pub fn chat(text: &str, finish: &str) -> Value {
    json!({"model": "served", "choices": [{"finish_reason": finish, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1200, "completion_tokens": 34}})
}

/// A step that answers in Chat Completions with these findings.
pub fn judge(findings: Value) -> Step {
    Box::new(move |asked| Some(json_reply(200, &chat(&asked.verdict(findings.clone()), "stop"))))
}
