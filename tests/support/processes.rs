//! Processes that are alive, found by their environment. Linux only: elsewhere none is found.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The ids and command lines of those that have that variable: `HOME=/tmp/x/home`.
pub fn with_variable(variable: &str) -> Vec<(i32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|own| own == variable.as_bytes()) {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push((pid, String::from_utf8_lossy(&command).replace('\0', " ")));
        }
    }
    found
}

/// Those of a place: their home is below that folder.
pub fn of_place(root: &Path) -> Vec<(i32, String)> {
    with_variable(&format!("HOME={}", root.join("home").display()))
}

/// Waits until something has happened.
#[track_caller]
pub fn wait_for(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !what() {
        assert!(Instant::now() < deadline, "it did not happen in time");
        thread::sleep(Duration::from_millis(20));
    }
}
