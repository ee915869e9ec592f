//! A disk that is full, a repository that cannot be written to: the run stops with a clear error, loses
//! nothing, and goes on when there is room again.
//!
//! Both are made in a mount namespace of their own; where the system allows none, that is said.

use super::checks;
use super::killed_run::KilledRun;
use crate::support::Out;
use std::process::{Command, Stdio};

/// Runs a script as root of a namespace in which it may mount; none where there can be none. The script
/// has `run`, which runs the scene's plan, in folder `$root`.
fn namespace(scene: &KilledRun, script: &str) -> Option<Out> {
    let may = Command::new("unshare").args(["-m", "true"]).stderr(Stdio::null()).status();
    let flags = match may.is_ok_and(|status| status.success()) {
        true => "-m",
        false => "-rm",
    };
    let can = Command::new("unshare").args([flags, "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        println!("NOT TESTED: nothing can be mounted here");
        return None;
    }
    let mut command = scene.place.command("unshare");
    let root = scene.place.root().display();
    let run = "run() { (cd \"$root/repo\" && git-flow-ai run demo --parallel 4); }";
    let script =
        format!("set -e\nroot='{root}'\nexport TMPDIR=\"$root/tmp\"\nmkdir -p \"$TMPDIR\"\n{run}\n{script}");
    command.args([flags, "sh", "-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(scene.finish(command))
}

#[test]
fn a_full_disk_stops_the_run_aloud_and_more_room_lets_it_go_on() {
    for room in [40, 120, 250, 400, 1200] {
        let scene = KilledRun::small();
        // Everything moves to a small disk that is mounted in its place, and back at the end.
        let script = format!(
            r#"disk=$root.disk; real=$root.real; mkdir "$disk" "$real"
mount -t tmpfs -o size=64m none "$disk"
cp -a "$root/." "$disk"
free=$(df -k --output=avail "$disk" | tail -n 1)
head -c $((free - {room}))k /dev/zero >"$disk/filler"
mount --bind "$root" "$real"
mount --bind "$disk" "$root"
status=0; run || status=$?
echo "STATUS $status"
rm "$root/filler"
run
find "$real" -mindepth 1 -delete
cp -a "$root/." "$real"
umount "$root"; umount "$real"; umount "$disk"; rmdir "$disk" "$real""#
        );
        let Some(out) = namespace(&scene, &script) else { return };
        assert_eq!(out.status, 0, "room {room}\n{}\n{}", out.stdout, out.stderr);
        if !out.stdout.contains("STATUS 0") {
            let said = format!("{}{}", out.stdout, out.stderr);
            assert!(said.contains("No space left") && said.contains("make room"), "room {room}\n{said}");
        }
        println!("room {room}: {}", out.stdout.lines().find(|line| line.starts_with("STATUS")).unwrap());
        checks::holds(&scene);
    }
}

#[test]
fn a_repository_that_cannot_be_written_to_is_named_and_nothing_is_lost() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    let script = r#"mount --bind "$root/repo/.git" "$root/repo/.git"
mount -o remount,bind,ro "$root/repo/.git"
status=0; run || status=$?
echo "STATUS $status"
umount "$root/repo/.git"
run"#;
    let Some(out) = namespace(&scene, script) else { return };
    let out = out.ok().says("STATUS 2").says("Read-only file system");
    assert!(out.stderr.contains("hint: "), "{}", out.stderr);
    checks::holds(&scene);
}
