//! Finds a question that will not be answered: in what a tool printed, or a process that waits at a terminal.
//!
//! Such a process is blocked in a read of a terminal that a tool has opened for it, or the kernel has stopped
//! it because it wanted our own terminal from the background. Only Linux shows that; elsewhere an agent that
//! asks is ended for its silence. A shell that leads its session is not evidence, nor an interpreter without
//! a program: some agents keep one open and write their commands into it.

use super::terminal_prompt::is_question;
use crate::system::secrets;
use std::time::Duration;
use tokio::time::Instant;

/// A process that waits at a terminal is looked at again after so long: it may only wait for a moment.
const AGAIN: Duration = Duration::from_secs(1);

/// Looks for a question when nothing was printed for a while.
#[derive(Debug)]
pub struct TtyWait {
    quiet: Duration,
    next: Instant,
    last: String,
    suspect: Option<Waiter>,
}

impl TtyWait {
    /// Begins to look when nothing was printed for that time.
    pub fn new(quiet: Duration) -> TtyWait {
        TtyWait { quiet, next: Instant::now() + quiet, last: String::new(), suspect: None }
    }

    pub fn printed(&mut self, line: &str) {
        self.next = Instant::now() + self.quiet;
        self.suspect = None;
        self.last.clear();
        // An event says what it means itself, and may quote anything.
        if !line.starts_with('{') && is_question(line) {
            line.trim().clone_into(&mut self.last);
        }
    }

    /// When to look next.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// The question, if there is one, with the command that asks if that is known. `waiter` is the process
    /// that waits at a terminal now, `unfinished` the line that was begun last.
    pub fn look(&mut self, waiter: Option<Waiter>, unfinished: String) -> Option<String> {
        let now = Instant::now();
        let asked = Some(unfinished).filter(|text| is_question(text));
        let asked = asked.or_else(|| Some(self.last.clone()).filter(|text| !text.is_empty()));
        let known = waiter.is_some() && waiter == self.suspect;
        self.next = now + if waiter.is_some() { AGAIN } else { self.quiet };
        self.suspect.clone_from(&waiter);
        let question = match (waiter, asked) {
            (None, Some(asked)) => Some(asked.trim().to_owned()),
            (Some(waiter), asked) if known => {
                let asked = asked.map(|asked| format!(": {}", asked.trim())).unwrap_or_default();
                Some(format!("`{}` waits at a terminal where nobody answers{asked}", waiter.command))
            }
            _ => None,
        };
        // A command line may hold what it should not.
        question.map(|text| secrets::redacted(&text).into_owned())
    }
}

/// A process that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    pub pid: i32,
    /// Its command line, and its parent's if that says more.
    pub command: String,
}

#[cfg(target_os = "linux")]
pub use linux::find;

/// This system does not show it.
#[cfg(not(target_os = "linux"))]
pub fn find(_: &[i32]) -> Option<Waiter> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use super::Waiter;
    use crate::system::process::stat::Stat;
    use std::fs;
    use std::path::Path;

    /// The longest command line that is shown, in characters.
    const LONGEST: usize = 120;

    /// One of these processes that waits for a person. The kernel stops whole groups: of those, the one
    /// furthest down is it.
    pub fn find(pids: &[i32]) -> Option<Waiter> {
        let waiting: Vec<i32> = pids.iter().copied().filter(|pid| waits(*pid)).collect();
        let above: Vec<i32> = waiting.iter().filter_map(|pid| Some(Stat::read(*pid)?.parent)).collect();
        let pid = waiting.into_iter().find(|pid| !above.contains(pid))?;
        Some(Waiter { pid, command: describe(pid, pids) })
    }

    fn waits(pid: i32) -> bool {
        let Some(stat) = Stat::read(pid) else { return false };
        if (stat.session == pid && is_shell(pid)) || is_conversation(pid) {
            return false;
        }
        match stat.state {
            // Stopped by job control: it is in the background of a terminal that it wanted to use.
            'T' => stat.terminal != 0 && stat.group != stat.foreground,
            'S' => reads_terminal(pid),
            _ => false,
        }
    }

    /// Whether a process sleeps in a call that waits for a terminal's input.
    fn reads_terminal(pid: i32) -> bool {
        let Ok(call) = fs::read_to_string(format!("/proc/{pid}/syscall")) else { return false };
        let mut words = call.split_ascii_whitespace();
        let number: Option<i64> = words.next().and_then(|word| word.parse().ok());
        let first = words.next().and_then(|word| i64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
        match number {
            Some(number) if READS.contains(&number) => {
                first.is_some_and(|file| is_terminal(&format!("/proc/{pid}/fd/{file}")))
            }
            // Which files it waits for stands in its memory; its standard input will be among them.
            Some(number) if WAITS.contains(&number) => {
                is_terminal(&format!("/proc/{pid}/fd/0")) && is_foreground(pid)
            }
            _ => false,
        }
    }

    /// `read` and `readv`, by their numbers.
    #[cfg(target_arch = "x86_64")]
    const READS: &[i64] = &[0, 19];
    #[cfg(not(target_arch = "x86_64"))]
    const READS: &[i64] = &[63, 65];

    /// `poll`, `select`, `pselect6` and `ppoll`: editors and menus wait by them.
    #[cfg(target_arch = "x86_64")]
    const WAITS: &[i64] = &[7, 23, 270, 271];
    #[cfg(not(target_arch = "x86_64"))]
    const WAITS: &[i64] = &[72, 73];

    fn is_terminal(link: &str) -> bool {
        fs::read_link(link).is_ok_and(|target| {
            let target = target.to_string_lossy();
            target == "/dev/tty" || target.starts_with("/dev/pts/") || target.starts_with("/dev/ttys")
        })
    }

    fn is_foreground(pid: i32) -> bool {
        Stat::read(pid).is_some_and(|stat| stat.group == stat.foreground)
    }

    fn is_shell(pid: i32) -> bool {
        const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "fish", "ksh", "busybox"];
        let name = words(pid).into_iter().next().unwrap_or_default();
        let name = name.trim_start_matches('-');
        Path::new(name).file_name().is_some_and(|name| SHELLS.iter().any(|shell| name == *shell))
    }

    /// Whether it is an interpreter that was given no program: some agents talk to one for long.
    fn is_conversation(pid: i32) -> bool {
        const INTERPRETERS: &[&str] =
            &["python", "ipython", "node", "irb", "ghci", "gdb", "julia", "sqlite3"];
        let words = words(pid);
        let [name] = words.as_slice() else { return false };
        let name = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
        INTERPRETERS.iter().any(|known| name.starts_with(known))
    }

    /// Its command line, and that of the nearest process above it in the tree that is not a shell.
    fn describe(pid: i32, tree: &[i32]) -> String {
        let own = line(pid);
        let mut above = Stat::read(pid).map(|stat| stat.parent);
        while let Some(parent) = above.filter(|parent| tree.contains(parent)) {
            if !is_shell(parent) {
                let parent = line(parent);
                let is_wrapped = parent.is_empty() || parent == own;
                return if is_wrapped { own } else { format!("{own} (started by {parent})") };
            }
            above = Stat::read(parent).map(|stat| stat.parent);
        }
        own
    }

    fn line(pid: i32) -> String {
        let line = words(pid).join(" ");
        match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }

    fn words(pid: i32) -> Vec<String> {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }
}
