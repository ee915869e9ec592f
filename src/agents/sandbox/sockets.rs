//! Unix sockets by which a process leaves its sandbox: what can write to that of a container engine or of
//! the user's service manager can start anything as the user, or as root.
//!
//! bubblewrap shows none of them. Landlock does not know sockets in folders, so there they lead out.

use rustix::fs::{Access, access};
use std::path::{Path, PathBuf};

/// Those of the system.
const OF_SYSTEM: &[&str] = &[
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/incus/unix.socket",
    "/run/snapd.socket",
    "/var/lib/lxd/unix.socket",
];

/// Those of one user, below `/run/user/<uid>`.
const OF_USER: &[&str] = &["bus", "systemd/private", "docker.sock", "podman/podman.sock"];

/// Those that are here and that we, hence what we start, can write to.
pub fn writable() -> Vec<PathBuf> {
    let own = Path::new("/run/user").join(rustix::process::geteuid().as_raw().to_string());
    let all = OF_SYSTEM.iter().map(PathBuf::from).chain(OF_USER.iter().map(|name| own.join(name)));
    all.filter(|path| can_be_written(path)).collect()
}

fn can_be_written(path: &Path) -> bool {
    access(path, Access::WRITE_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::can_be_written;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_socket_that_can_be_written_leads_out_and_one_that_is_not_there_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        assert!(!can_be_written(&path));
        let _listener = UnixListener::bind(&path).unwrap();
        assert!(can_be_written(&path));
    }
}
