//! Why bubblewrap may not make namespaces here, and what would have to be allowed.
//!
//! bubblewrap takes a user namespace. Kernels and distributions forbid that to ordinary users by settings of their
//! own; in a container its seccomp filter does, and what its runtime masks in `/proc` forbids a fresh one.

use std::fs;
use std::path::Path;

/// Settings by which a kernel forbids it: the file, what it says then, and how it is allowed.
const SETTINGS: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps bwrap from making namespaces (kernel.apparmor_restrict_unprivileged_userns): a profile for /usr/bin/bwrap with `userns,` allows it to bwrap alone",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "this kernel keeps users from making namespaces: sysctl kernel.unprivileged_userns_clone=1 allows it",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "this kernel makes no user namespaces: sysctl user.max_user_namespaces=10000 allows them",
    ),
];

/// What would have to be allowed.
pub fn what_to_allow() -> &'static str {
    let forbids = |(file, value, _): &&(&str, &str, &str)| {
        fs::read_to_string(file).is_ok_and(|text| text.trim() == *value)
    };
    match SETTINGS.iter().find(forbids) {
        Some((_, _, how)) => how,
        None if is_container() => {
            "this container has to be allowed user namespaces and its own /proc, for example: docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
        }
        None => "see why `bwrap --unshare-pid --ro-bind / / true` fails",
    }
}

/// Whether we run in a container, by what its runtimes leave.
fn is_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|file| Path::new(file).exists())
        || ["container", "KUBERNETES_SERVICE_HOST"].iter().any(|name| std::env::var_os(name).is_some())
}
