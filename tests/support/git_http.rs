//! Smart HTTP on loopback: git's own `git http-backend` behind the least of a web server.
//!
//! Everybody may read and push: who is who is not what is tried. One thread per connection, one
//! request per connection.

use super::Place;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

/// Serves the bare repositories beside `repo` until the test is over, and returns the address of the
/// folder that they are in.
pub fn serve(place: &Place) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut backend = place.command("git");
    backend.arg("http-backend").env("GIT_PROJECT_ROOT", place.root()).env("GIT_HTTP_EXPORT_ALL", "1");
    backend.env("REMOTE_USER", "ada").env("REMOTE_ADDR", "127.0.0.1");
    thread::spawn(move || {
        thread::scope(|connections| {
            for stream in listener.incoming().flatten() {
                let backend = again(&backend);
                connections.spawn(move || answer(stream, backend));
            }
        });
    });
    format!("http://{address}")
}

/// The same command once more, with nothing else in its environment.
fn again(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.env_clear().args(command.get_args());
    copy.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    copy
}

/// Reads a request, has the backend answer it, and closes the connection.
fn answer(mut stream: TcpStream, mut backend: Command) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let (path, query) = words[1].split_once('?').unwrap_or((words[1], ""));
    backend.env("REQUEST_METHOD", words[0]).env("PATH_INFO", path).env("QUERY_STRING", query);
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "content-type" => drop(backend.env("CONTENT_TYPE", value)),
            "transfer-encoding" => chunked = value == "chunked",
            "expect" => stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap(),
            name => drop(backend.env(format!("HTTP_{}", name.to_uppercase().replace('-', "_")), value)),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    while chunked {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let mut chunk = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
        reader.read_exact(&mut chunk).unwrap();
        chunk.truncate(chunk.len() - 2);
        chunked = !chunk.is_empty();
        body.extend(chunk);
    }
    backend.env("CONTENT_LENGTH", body.len().to_string());
    let mut child = backend.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        let _ = input.write_all(&body);
    });
    let output = child.wait_with_output().unwrap().stdout;
    feeder.join().unwrap();
    // A CGI program says the status in a header of its own.
    let split = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(0);
    let head = String::from_utf8_lossy(&output[..split]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let _ = write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\n");
    let _ = stream.write_all(&output);
}
