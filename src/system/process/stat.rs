//! `/proc/PID/stat`: what the kernel says about a process.

use super::Pid;
use std::fs;

/// A process at this moment.
#[derive(Debug)]
pub struct Stat {
    pub state: char,
    pub parent: Pid,
    pub group: Pid,
    pub session: Pid,
    /// The number of its terminal; 0 if it has none.
    pub terminal: i32,
    /// The process group that may use the terminal.
    pub foreground: Pid,
    /// When it started, in ticks since the boot.
    pub started: u64,
}

impl Stat {
    /// Reads that of the process with this number; `None` if there is no such process.
    pub fn read(pid: Pid) -> Option<Stat> {
        parse(&String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?))
    }

    /// Whether it has ended, and only waits for its parent to take notice.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

fn parse(text: &str) -> Option<Stat> {
    // The name, field 2, stands in parentheses and may hold anything, parentheses too.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse().ok();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: number(4)?,
        group: number(5)?,
        session: number(6)?,
        terminal: number(7)?,
        foreground: number(8)?,
        started: fields.get(22 - 3)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Stat, parse};

    #[test]
    fn a_name_with_parentheses_hides_no_field() {
        let stat =
            parse("7 (a) Z 1 (b)) S 1 2 3 34816 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 99 1 2\n").unwrap();
        assert_eq!((stat.state, stat.parent, stat.group, stat.session), ('S', 1, 2, 3));
        assert_eq!((stat.terminal, stat.foreground, stat.started), (34816, -1, 99));
        assert!(parse("7 (a) S 1 2").is_none());
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(Stat::read(own).is_some_and(|stat| !stat.has_ended()));
    }
}
