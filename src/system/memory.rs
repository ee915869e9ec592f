//! Whether the machine is short of memory, so that more work would make all work slower.
//!
//! Linux says what memory is left, what a container may use at most, and how long tasks were stalled (PSI).
//! Elsewhere nothing is held back. Processors do not count: an agent mostly waits for its model.

use crate::domain::text::units::size;
use std::fs;
use std::path::{Path, PathBuf};

/// Tasks that were stalled for memory for so many percent of the last ten seconds are too many.
const STALLED: f64 = 20.0;

/// Less memory than this part of all, or than so many bytes, is too little to start an agent in.
const LEFT: f64 = 0.05;
const LEAST: u64 = 300 << 20;

/// Why nothing more should be started now, with the numbers; `None` if there is room.
pub fn shortage() -> Option<String> {
    measure(&root())
}

/// Where the kernel's tables are.
fn root() -> PathBuf {
    // No test can make a machine short of memory.
    #[cfg(debug_assertions)]
    if let Some(folder) = std::env::var_os("GIT_FLOW_AI_TEST_MACHINE") {
        return folder.into();
    }
    "/".into()
}

fn measure(root: &Path) -> Option<String> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    memory_left(&read("proc/meminfo"))
        .or_else(|| memory_of_group(&read("sys/fs/cgroup/memory.max"), &read("sys/fs/cgroup/memory.current")))
        .or_else(|| stalled(&read("proc/pressure/memory")))
}

/// `MemAvailable` of `/proc/meminfo` against `MemTotal`.
fn memory_left(text: &str) -> Option<String> {
    let bytes = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.trim_start_matches(':').split_ascii_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1024)
    };
    let (left, all) = (bytes("MemAvailable")?, bytes("MemTotal")?);
    is_too_little(left, all).then(|| format!("{} of {} of memory are left", size(left), size(all)))
}

/// What a control group may use at most, and uses; in bytes.
fn memory_of_group(most: &str, current: &str) -> Option<String> {
    let (most, current): (u64, u64) = (most.trim().parse().ok()?, current.trim().parse().ok()?);
    let left = most.saturating_sub(current);
    is_too_little(left, most)
        .then(|| format!("{} of the {} that this group may use are left", size(left), size(most)))
}

/// A machine that has little at all may use it up further.
fn is_too_little(left: u64, all: u64) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "a ratio")]
    let part = left as f64 / all.max(1) as f64;
    part < LEFT || (left < LEAST && part < 2.0 * LEFT)
}

/// The `avg10` of the `some` line of a PSI file.
fn stalled(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let average = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("avg10="))?;
    let percent: f64 = average.parse().ok().filter(|percent| *percent > STALLED)?;
    Some(format!("tasks were stalled for memory {percent:.0} % of the last 10 s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_short_when_little_of_it_is_left() {
        let table =
            |left: u64| format!("MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:   {left} kB\n");
        assert_eq!(memory_left(&table(8_000_000)), None);
        assert_eq!(memory_left(&table(500_000)).as_deref(), Some("488.3 MiB of 15.3 GiB of memory are left"));
        assert_eq!(memory_left(""), None);
        assert_eq!(memory_of_group("max\n", "1"), None);
        assert_eq!(memory_of_group("2147483648\n", "1000000000\n"), None);
        assert!(memory_of_group("2147483648\n", "2100000000\n").is_some());
    }

    #[test]
    fn a_stall_for_memory_holds_back() {
        let line =
            |percent: &str| format!("some avg10={percent} avg60=1.00 avg300=0.00 total=1\nfull avg10=0.00\n");
        assert_eq!(stalled(&line("12.00")), None);
        let said = stalled(&line("91.20"));
        assert_eq!(said.as_deref(), Some("tasks were stalled for memory 91 % of the last 10 s"));
        assert_eq!(stalled(""), None, "an older kernel does not say");
    }
}
