//! The command lines of the processes that started us, as far as they can be read.

use super::Pid;

/// How many generations are looked at.
const GENERATIONS: usize = 4;

/// More than any tree of processes is deep: the table changes while it is read.
const DEEPEST: usize = 200;

/// The nearest first, each as its arguments.
pub fn command_lines() -> Vec<Vec<String>> {
    all().map_while(|(_, line)| line).take(GENERATIONS).collect()
}

/// Their numbers, the nearest first.
pub fn pids() -> Vec<Pid> {
    all().take(DEEPEST).map(|(pid, _)| pid).collect()
}

/// Each with its arguments, the nearest first, up to one that cannot be read.
fn all() -> impl Iterator<Item = (Pid, Option<Vec<String>>)> {
    let mut next = Pid::try_from(std::os::unix::process::parent_id()).ok();
    std::iter::from_fn(move || {
        let pid = next.filter(|pid| *pid > 1)?;
        let (parent, line) = read(pid).unzip();
        next = parent;
        Some((pid, line))
    })
}

/// The parent of a process, and its arguments.
#[cfg(target_os = "linux")]
fn read(pid: Pid) -> Option<(Pid, Vec<String>)> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let line = bytes.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned());
    Some((super::stat::Stat::read(pid)?.parent, line.collect()))
}

/// The same by `ps`, which puts spaces between the arguments.
#[cfg(not(target_os = "linux"))]
fn read(pid: Pid) -> Option<(Pid, Vec<String>)> {
    let output = std::process::Command::new(crate::system::program::own("ps"))
        .args(["-ww", "-o", "ppid=,command=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (parent, line) = text.trim_start().split_once(' ')?;
    Some((parent.parse().ok()?, line.split_whitespace().map(str::to_owned).collect()))
}
