//! Whether the machine is short of memory or processors, so that more work would make all work slower.
//!
//! Linux tells how long tasks were stalled (PSI), what memory is left, and what a container may use at
//! most. Elsewhere nothing is held back. Processors count only when they are far beyond busy: an agent
//! mostly waits for its model.

use std::fs;
use std::path::Path;

/// Tasks that were stalled for memory for so many percent of the last ten seconds are too many.
const MEMORY_STALLED: f64 = 20.0;

/// The same for processors, and then only with so many waiting for each.
const PROCESSORS_STALLED: f64 = 80.0;
const WAITING: f64 = 4.0;

/// Less memory than this part of all, or than so many kilobytes, is too little to start an agent in.
const LEFT: f64 = 0.05;
const LEAST: u64 = 300 * 1024;

/// Why nothing more should be started now, with the numbers; none where there is room.
pub fn pressure() -> Option<String> {
    measure(&root())
}

/// Where the kernel's tables are.
fn root() -> std::path::PathBuf {
    // Nobody can make a machine short of memory for a test.
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
        .or_else(|| stalled(&read("proc/pressure/memory"), MEMORY_STALLED, "memory"))
        .or_else(|| processors(&read("proc/pressure/cpu"), &read("proc/loadavg"), &read("proc/cpuinfo")))
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

fn stalled(text: &str, most: f64, of: &str) -> Option<String> {
    let percent = avg10(text).filter(|percent| *percent > most)?;
    Some(format!("tasks were stalled for {of} {percent:.0} % of the last 10 s"))
}

/// Busy is well; so many waiting that nothing gets on is not.
fn processors(stalls: &str, load: &str, table: &str) -> Option<String> {
    let percent = avg10(stalls).filter(|percent| *percent > PROCESSORS_STALLED)?;
    let load: f64 = load.split_ascii_whitespace().next()?.parse().ok()?;
    let count = table.lines().filter(|line| line.starts_with("processor")).count().max(1);
    #[allow(clippy::cast_precision_loss, reason = "a ratio")]
    let each = load / count as f64;
    (each > WAITING).then(|| {
        format!("{load:.0} tasks want {count} processors, and were stalled {percent:.0} % of the last 10 s")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALLED: &str =
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
    fn processors_are_short_when_tasks_stall_and_many_wait() {
        let cores = "processor\t: 0\nmodel name\t: x\nprocessor\t: 1\n";
        assert_eq!(processors(CALM, "30.0 1 1 1/1 1", cores), None);
        assert_eq!(processors(STALLED, "4.0 1 1 1/1 1", cores), None, "two for each are no trouble");
        assert_eq!(
            processors(STALLED, "30.0 1 1 1/1 1", cores).as_deref(),
            Some("30 tasks want 2 processors, and were stalled 91 % of the last 10 s")
        );
        assert_eq!(processors("", "30.0", cores), None, "an older kernel does not tell");
    }

    #[test]
    fn a_stall_for_memory_holds_back_before_processors_do() {
        assert_eq!(stalled(CALM, MEMORY_STALLED, "memory"), None);
        let told = stalled(STALLED, MEMORY_STALLED, "memory");
        assert_eq!(told.as_deref(), Some("tasks were stalled for memory 91 % of the last 10 s"));
    }
}
