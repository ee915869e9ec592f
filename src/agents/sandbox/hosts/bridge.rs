//! The bridge: inside an empty network, a port of the loopback interface that leads to the proxy's socket.

use crate::domain::error::Result;
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// The port. In an empty network it is free.
pub const PORT: u16 = 3128;

/// Where the socket and the bridge itself are seen from inside.
pub const SEEN: &str = "/run/flow-ai";

/// How long to wait when no more connections can be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs that command beside a bridge to the socket, and returns the status to exit with.
pub fn run(socket: PathBuf, command: &[OsString]) -> Result<i32> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot make the runtime of the bridge")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", PORT)).await.context("cannot open the bridge")?;
        // The command gets the signal too; the bridge stays as long as it does.
        let _terminate = signal(SignalKind::terminate())?;
        let Some((program, args)) = command.split_first() else { bail!("there is no command") };
        let mut child = Command::new(program)
            .args(args)
            .spawn()
            .with_context(|| format!("cannot start {}", Path::new(program).display()))?;
        let status = tokio::select! {
            status = child.wait() => status?,
            () = serve(listener, socket) => bail!("the bridge is down"),
        };
        let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
        Ok(status.code().or(signal).unwrap_or(1))
    })
}

async fn serve(listener: TcpListener, socket: PathBuf) {
    loop {
        let Ok((mut client, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let socket = socket.clone();
        tokio::spawn(async move {
            if let Ok(mut proxy) = UnixStream::connect(&socket).await {
                let _ = copy_bidirectional(&mut client, &mut proxy).await;
            }
        });
    }
}
