//! Which process a number meant: numbers are reused, after a reboot from the beginning.
//!
//! Together with the moment at which it started, and the boot in which that was, a number names one
//! process for ever (`/proc/PID/stat`, field 22, in ticks since the boot; `ps -o lstart` elsewhere).

use super::{Pid, table};
use serde::{Deserialize, Serialize};

/// One process and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub pid: Pid,
    /// When it started, as the system prints it.
    pub started: String,
    /// The boot and the process namespace in which those numbers mean it; empty if `started` is a date.
    #[serde(default)]
    pub boot: String,
}

impl Identity {
    /// That of the process which has this number now; `None` if there is no such process.
    pub fn read(pid: Pid) -> Option<Identity> {
        Some(Identity { pid, started: table::started(pid)?, boot: table::boot() })
    }

    pub fn own() -> Option<Identity> {
        Identity::read(Pid::try_from(std::process::id()).ok()?)
    }

    /// Whether it is alive. Another process that has its number by now does not count.
    pub fn is_alive(&self) -> bool {
        Identity::read(self.pid).is_some_and(|now| now == *self)
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn a_number_from_another_boot_or_moment_is_another_process() {
        let own = Identity::own().unwrap();
        assert!(own.is_alive());
        assert!(!Identity { started: "1".into(), ..own.clone() }.is_alive());
        assert!(!Identity { boot: "before".into(), ..own.clone() }.is_alive());
        assert_eq!(Identity::read(i32::MAX), None);
    }
}
