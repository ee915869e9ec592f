//! The proxy: CONNECT and plain HTTP to the allowed hosts. It keeps nothing of what goes through.

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

/// How long to wait when no more connections can be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// How many refused hosts are written down.
const REPORTED: usize = 100;

/// A proxy for those hosts.
#[derive(Debug)]
pub struct Proxy {
    hosts: Hosts,
    /// Where the refused ones are written down, one a line.
    stopped: PathBuf,
    reported: Mutex<BTreeSet<String>>,
    slots: Arc<Semaphore>,
}

impl Proxy {
    /// A proxy that writes down which hosts it refused.
    pub fn new(hosts: Hosts, stopped: PathBuf) -> Arc<Proxy> {
        Arc::new(Proxy { hosts, stopped, reported: Mutex::default(), slots: Arc::new(Semaphore::new(MOST)) })
    }

    /// Serves every connection to that socket, for ever.
    pub async fn serve_socket(self: Arc<Proxy>, listener: UnixListener) {
        while let Ok(slot) = self.slots.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((client, _)) => self.clone().accept(client, slot),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Serves every connection to that port, for ever.
    pub async fn serve_port(self: Arc<Proxy>, listener: TcpListener) {
        while let Ok(slot) = self.slots.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((client, _)) => self.clone().accept(client, slot),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    fn accept(
        self: Arc<Proxy>,
        client: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        slot: OwnedSemaphorePermit,
    ) {
        tokio::spawn(async move {
            self.serve(client).await;
            drop(slot);
        });
    }

    async fn serve(&self, mut client: impl AsyncRead + AsyncWrite + Unpin) {
        let Ok(Some(request)) = timeout(PATIENCE, request::read(&mut client)).await else {
            return refuse(&mut client, "400 Bad Request", "this is a proxy for CONNECT and http://").await;
        };
        let (host, port) = (request.host.as_str(), request.port);
        if !self.hosts.allow(host, port) {
            self.report(format!("{host}:{port}"));
            let why = format!("{host}:{port} is not among the hosts of [sandbox]");
            return refuse(&mut client, "403 Forbidden", &why).await;
        }
        let mut server = match dial(host, port).await {
            Ok(server) => server,
            Err(error) => {
                return refuse(&mut client, "502 Bad Gateway", &format!("{host}:{port}: {error}")).await;
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
    fn report(&self, host: String) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.len() < REPORTED && reported.insert(host.clone()) {
            note(&self.stopped, &format!("stopped: connection to {host}"));
        }
    }
}

async fn refuse(client: &mut (impl AsyncRead + AsyncWrite + Unpin), status: &str, why: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{why}\n",
        why.len() + 1
    );
    let _ = client.write_all(answer.as_bytes()).await;
    let _ = client.shutdown().await;
    // Closing with unread input would reset the connection, and the answer would be lost.
    let _ = timeout(LINGER, copy(&mut client.take(LONGEST_REST), &mut sink())).await;
}
