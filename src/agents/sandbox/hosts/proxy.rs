//! The proxy: CONNECT and plain HTTP, to the hosts on the list. It keeps nothing of what goes through.

use super::dial::dial;
use super::{Hosts, request};
use crate::agents::sandbox::note;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// How many connections at once; more wait.
const MOST: usize = 512;

/// How long a client may take to say where it wants to go.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a client that was refused may go on talking, and how much.
const LINGER: Duration = Duration::from_secs(2);
const LONGEST_REST: u64 = 1 << 20;

/// How long to wait where no more connections can be had.
const PAUSE: Duration = Duration::from_millis(50);

/// How many refused hosts are told of.
const TOLD: usize = 100;

/// A proxy for those hosts.
#[derive(Debug)]
pub struct Proxy {
    hosts: Hosts,
    /// Where the refused ones are written down, one a line.
    stopped: PathBuf,
    told: Mutex<BTreeSet<String>>,
    places: Arc<Semaphore>,
}

impl Proxy {
    /// A proxy that writes down whom it refused.
    pub fn new(hosts: Hosts, stopped: PathBuf) -> Arc<Proxy> {
        Arc::new(Proxy { hosts, stopped, told: Mutex::default(), places: Arc::new(Semaphore::new(MOST)) })
    }

    /// Serves whoever connects to that socket, for ever.
    pub async fn serve_socket(self: Arc<Proxy>, listener: UnixListener) {
        while let Ok(place) = self.places.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((client, _)) => self.clone().welcome(client, place),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Serves whoever connects to that port, for ever.
    pub async fn serve_port(self: Arc<Proxy>, listener: TcpListener) {
        while let Ok(place) = self.places.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((client, _)) => self.clone().welcome(client, place),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    fn welcome(
        self: Arc<Proxy>,
        client: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        place: OwnedSemaphorePermit,
    ) {
        tokio::spawn(async move {
            self.serve(client).await;
            drop(place);
        });
    }

    async fn serve(&self, mut client: impl AsyncRead + AsyncWrite + Unpin) {
        let Ok(Some(request)) = timeout(PATIENCE, request::read(&mut client)).await else {
            return say(&mut client, "400 Bad Request", "this is a proxy for CONNECT and http://").await;
        };
        let (host, port) = (request.host.as_str(), request.port);
        if !self.hosts.allow(host, port) {
            self.tell(format!("{host}:{port}"));
            let why = format!("{host}:{port} is not among the hosts of [sandbox]");
            return say(&mut client, "403 Forbidden", &why).await;
        }
        let mut server = match dial(host, port).await {
            Ok(server) => server,
            Err(error) => {
                return say(&mut client, "502 Bad Gateway", &format!("{host}:{port}: {error}")).await;
            }
        };
        let first = match &request.forward {
            Some(head) => server.write_all(head).await,
            None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await,
        };
        if first.is_ok() && server.write_all(&request.rest).await.is_ok() {
            // Either side may hang up when it likes.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    }

    /// Writes down a refused host, once.
    fn tell(&self, host: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < TOLD && told.insert(host.clone()) {
            note(&self.stopped, &format!("stopped: connection to {host}"));
        }
    }
}

async fn say(client: &mut (impl AsyncRead + AsyncWrite + Unpin), status: &str, why: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{why}\n",
        why.len() + 1
    );
    let _ = client.write_all(answer.as_bytes()).await;
    let _ = client.shutdown().await;
    // Who hangs up on what was not read takes the answer along.
    let _ = timeout(LINGER, copy(&mut client.take(LONGEST_REST), &mut sink())).await;
}
