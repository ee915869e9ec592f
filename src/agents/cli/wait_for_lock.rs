//! Waiting for another process's lock without holding up the thread. It stands here and not beside the lock: the
//! gate takes locks too, and can be embedded where no runtime is.

use crate::system::fs::lock::{self, Attempt};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Takes the lock, or says who still holds it after that time ([`lock::try_take`]).
pub async fn wait_for_lock(path: &Path, patience: Duration) -> io::Result<Attempt> {
    let begun = Instant::now();
    loop {
        match lock::try_take(path, Duration::ZERO)? {
            Attempt::Held(_) if begun.elapsed() < patience => tokio::time::sleep(lock::GLANCE).await,
            attempt => return Ok(attempt),
        }
    }
}
