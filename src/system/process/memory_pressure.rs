//! Whether the machine is short of memory, so that more work would make all work slower.
//!
//! Linux says how long tasks were stalled (PSI), what memory is left, and what a container may use at
//! most. Elsewhere nothing is held back. Processors do not count: agents wait for the network.

use std::fs;
use std::path::Path;

/// Tasks that were stalled for memory for so many percent of the last ten seconds are too many.
const STALLED: f64 = 20.0;

/// Less memory than this part of all, or than so many kilobytes, is too little to start an agent in.
const LEFT: f64 = 0.05;
const LEAST: u64 = 300 * 1024;

/// Why nothing more should be started now, with the numbers; `None` if there is room.
pub fn memory_pressure() -> Option<String> {
    measure(&root())
}

/// Where the kernel's tables are.
fn root() -> std::path::PathBuf {
    // A test cannot make a machine short of memory.
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
    let number = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_ascii_whitespace().next()?.parse().ok()
    };
    let (left, all) = (number("MemAvailable")?, number("MemTotal")?);
    is_too_little(left, all).then(|| format!("{} MB of {} MB of memory are left", left / 1024, all / 1024))
}

/// What a control group may use at most, and uses; in bytes.
fn memory_of_group(most: &str, current: &str) -> Option<String> {
    let (most, current): (u64, u64) = (most.trim().parse().ok()?, current.trim().parse().ok()?);
    let left = most.saturating_sub(current);
    is_too_little(left / 1024, most / 1024)
        .then(|| format!("{} MB of the {} MB that this group may use are left", left >> 20, most >> 20))
}

/// In kilobytes. A machine that has little at all may use it up further.
fn is_too_little(left: u64, all: u64) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "a ratio")]
    let part = left as f64 / all.max(1) as f64;
    part < LEFT || (left < LEAST && part < 2.0 * LEFT)
}

/// The `avg10` of the `some` line of a PSI file.
fn avg10(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    line.split_ascii_whitespace().find_map(|word| word.strip_prefix("avg10="))?.parse().ok()
}

fn stalled(text: &str) -> Option<String> {
    let percent = avg10(text).filter(|percent| *percent > STALLED)?;
    Some(format!("tasks were stalled for memory {percent:.0} % of the last 10 s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALLS: &str =
        "some avg10=91.20 avg60=40.00 avg300=9.11 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
    const CALM: &str = "some avg10=12.00 avg60=1.00 avg300=0.00 total=1\n";

    #[test]
    fn memory_is_short_when_little_of_it_is_left() {
        let table =
            |left: u64| format!("MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:   {left} kB\n");
        assert_eq!(memory_left(&table(8_000_000)), None);
        assert_eq!(memory_left(&table(500_000)).as_deref(), Some("488 MB of 15625 MB of memory are left"));
        assert_eq!(memory_left(""), None);
        assert_eq!(memory_of_group("max\n", "1"), None);
        assert_eq!(memory_of_group("2147483648\n", "1000000000\n"), None);
        assert!(memory_of_group("2147483648\n", "2100000000\n").is_some());
    }

    #[test]
    fn a_stall_for_memory_holds_back() {
        assert_eq!(stalled(CALM), None);
        let why = stalled(STALLS);
        assert_eq!(why.as_deref(), Some("tasks were stalled for memory 91 % of the last 10 s"));
    }
}
