//! Whether git is new enough.

use super::Check;
use crate::system::git;

const TOPIC: &str = "git";

pub(super) fn examine() -> Check {
    match git::version() {
        Ok((major, minor)) if (major, minor) < (2, 38) => Check::bad(
            TOPIC,
            format!("git {major}.{minor} cannot merge without a worktree"),
            "install git 2.38 or newer",
        ),
        Ok((major, minor)) => Check::good(TOPIC, format!("git {major}.{minor}")),
        Err(error) => Check::broken(TOPIC, &error),
    }
}
