//! The hosts that may be talked to, where a policy names them.

use super::{Held, MEANS};
use crate::support::Out;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server that says "hello" to whoever asks, and how many asked.
fn server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = stream.read(&mut [0; 4096]);
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n");
        }
    });
    (port, calls)
}

/// What an agent needs to talk: `ask HOST:PORT` by the proxy, `tunnel HOST:PORT`, `call HOST PORT` past it.
const TALK: &str = r#"site=${http_proxy#http://}; proxy=${site%:*}; port=${site#*:}
by_proxy() { exec 3<>/dev/tcp/$proxy/$port && printf "$1" >&3 && cat <&3; }
ask() { by_proxy "GET http://$1/ HTTP/1.1\r\nHost: elsewhere\r\n\r\n"; }
tunnel() { by_proxy "CONNECT $1 HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n"; }
call() { exec 4<>/dev/tcp/$1/$2 && printf "GET / HTTP/1.0\r\n\r\n" >&4 && cat <&4; }
"#;

/// An agent that runs that in bash, with its hosts.
fn held(means: &str, hosts: &str, script: &str) -> Held {
    let agent =
        format!("cat >\"$TMPDIR/talk\" <<'END'\n{TALK}{script}\nEND\nbash \"$TMPDIR/talk\" 2>/dev/null");
    Held::new(means, &agent, &format!("[sandbox]\nhosts = [{hosts}]"))
}

#[test]
fn a_host_on_the_list_is_reached_and_no_other() {
    for means in MEANS {
        let ((good, wanted), (bad, unwanted)) = (server(), server());
        let script = format!(
            "(ask localhost:{good}; tunnel localhost:{good}) >good.txt
(ask localhost:{bad}; tunnel localhost:{bad}; ask 127.0.0.1:{good}; tunnel evil.example:443) >bad.txt
echo \"$HTTPS_PROXY|$NO_PROXY\" >variables.txt"
        );
        let held = held(means, &format!("\"localhost:{good}\", \"*.example.com\""), &script);
        held.run().ok();
        let (told, refused) = (held.made("good.txt"), held.made("bad.txt"));
        assert_eq!(told.matches("hello").count(), 2, "{means}: {told}");
        assert!(told.contains("200 Connection established"), "{told}");
        assert_eq!(refused.matches("403 Forbidden").count(), 4, "{means}: {refused}");
        assert!(
            held.made("variables.txt").starts_with("http://127.0.0.1:"),
            "{}",
            held.made("variables.txt")
        );
        assert_eq!((wanted.load(Ordering::SeqCst), unwanted.load(Ordering::SeqCst)), (2, 0), "{means}");
    }
}

#[test]
fn who_ignores_the_proxy_reaches_nobody() {
    for means in MEANS {
        let (port, calls) = server();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let script = format!(
            "unset http_proxy HTTP_PROXY\ncall 127.0.0.1 {port} >got.txt; call localhost {port} >>got.txt
echo hello >/dev/udp/127.0.0.1/{}\necho made >made.txt",
            udp.local_addr().unwrap().port()
        );
        let held = held(means, &format!("\"localhost:{port}\""), &script);
        held.run().ok();
        assert_eq!(
            (held.made("got.txt"), held.made("made.txt")),
            (String::new(), "made\n".into()),
            "{means}"
        );
        assert_eq!(calls.load(Ordering::SeqCst), 0, "{means}");
        if *means == "bubblewrap" {
            assert!(udp.recv(&mut [0; 16]).is_err(), "UDP got out");
        }
    }
}

#[test]
fn checks_of_the_project_are_held_too_and_what_was_stopped_is_told() {
    for means in MEANS {
        let verify =
            format!("bash -c '{}ask evil.example; exit 0'", TALK.replace('\n', ";").replace("};;", "};"));
        let held = Held::new(
            means,
            "echo made >made.txt",
            &format!("verify = '''{verify}'''\n[sandbox]\nhosts = [\"localhost\"]"),
        );
        let mut command = held.command();
        Out::of(command.arg("--json").output().unwrap())
            .ok()
            .says("the sandbox stopped: connection to evil.example:80");
    }
}

#[test]
fn where_nobody_can_hold_the_network_nothing_runs() {
    let held = Held::new("off", "echo made >made.txt", "[sandbox]\nhosts = [\"localhost\"]");
    held.run().exits(2).says("`hosts` of [sandbox] cannot be enforced here");
    let held = Held::new("landlock", "echo made >made.txt", "[sandbox]\nhosts = [\"http://localhost\"]");
    held.run().exits(2).says("`http://localhost` under hosts of [sandbox] is no host");
}

#[test]
fn the_proxy_that_the_person_needs_is_gone_through() {
    for means in MEANS {
        let (port, calls) = server();
        let (up, passed) = upstream();
        let held = held(means, "\"far.example:443\", \"localhost\"", "tunnel far.example:443 >far.txt");
        let mut command = held.command();
        command.env("HTTPS_PROXY", format!("http://user:p%40ss@127.0.0.1:{up}")).env("FAR", port.to_string());
        Out::of(command.output().unwrap()).ok();
        assert!(held.made("far.txt").ends_with("through\n"), "{means}: {}", held.made("far.txt"));
        assert_eq!((passed.load(Ordering::SeqCst), calls.load(Ordering::SeqCst)), (1, 0));
    }
}

#[test]
fn where_the_proxy_cannot_be_used_nothing_is_reached_past_it() {
    for means in MEANS {
        let (port, calls) = server();
        let held =
            held(means, &format!("\"localhost:{port}\""), &format!("tunnel localhost:{port} >got.txt; :"));
        let mut command = held.command();
        command.env("ALL_PROXY", "socks://127.0.0.1:9").env("HTTPS_PROXY", "");
        Out::of(command.output().unwrap()).ok();
        assert!(!held.made("got.txt").contains("hello"), "{means}: {}", held.made("got.txt"));
        assert_eq!(calls.load(Ordering::SeqCst), 0, "{means}");
    }
}

/// A proxy that lets who knows the password, `p@ss`, through to a place that says "through".
fn upstream() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let knows =
                head.starts_with("CONNECT far.example:443 ") && head.contains("Basic dXNlcjpwQHNz\r\n");
            if knows {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nthrough\n");
            }
        }
    });
    (port, calls)
}
