//! What an agent, a reviewer and the project's own commands can touch, through the real binary and the
//! system's real sandboxes, each of which has to hold the same.

mod ends;
mod home;
mod hosts;
mod landlock;
mod logins;
mod moved;
mod reviewers;
mod toolchains;

use crate::support::plan::task;
use crate::support::{Config, Out, Place};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

/// The means that hold here.
const MEANS: &[&str] = &["bubblewrap", "landlock"];

/// Somebody who is not root, when we are.
const NOBODY: u32 = 10_001;

/// A repository with one task; its agent is that script, held by the sandbox.
struct Held {
    place: Place,
    /// Whether it runs as somebody else.
    as_nobody: bool,
}

impl Held {
    /// Held by that means, or by none (`off`).
    fn new(means: &str, agent: &str, more: &str) -> Held {
        let wish = if means == "off" { "off" } else { "require" };
        let run = format!("sandbox = \"{wish}\"\nattempts = 1\n{more}");
        let place = Place::with_config(Config::new().run(run).agent("fake", "acme"));
        if means != "off" {
            place.git(&["config", "flow-ai.sandbox-means", means]).ok();
        }
        place.script("fake", &format!("cat >/dev/null\n{agent}"));
        place.spec_with(&task("it", ""));
        Held { place, as_nobody: false }
    }

    /// The same as somebody who is not root.
    fn by_nobody(mut self) -> Held {
        if fs::metadata(self.place.root()).unwrap().uid() == 0 {
            let given =
                Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(self.place.root()).status();
            assert!(given.unwrap().success());
            self.as_nobody = true;
        }
        self
    }

    /// What starts the run.
    fn command(&self) -> Command {
        let mut command = self.place.command(if self.as_nobody { "setpriv" } else { "git-flow-ai" });
        if self.as_nobody {
            let id = NOBODY.to_string();
            command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "git-flow-ai"]);
        }
        command.args(["run", "demo", "--no-review"]);
        command
    }

    fn run(&self) -> Out {
        Out::of(self.command().output().unwrap())
    }

    /// A file of what the agent made.
    fn made(&self, path: &str) -> String {
        let file = format!("flow/demo/it:{path}");
        self.place.git(&["-c", "safe.directory=*", "show", &file]).stdout
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.place.root().join(name)
    }
}

#[test]
fn an_agent_writes_its_worktree_and_nothing_else() {
    for means in MEANS {
        for as_nobody in [false, true] {
            let held = Held::new(
                means,
                r#"echo made >made.txt
for file in "$HOME/x" "$HOME/.ssh/x" /etc/x /usr/x /dev/shm/x /var/tmp/flow-ai-outside; do
  (echo bad >"$file") 2>/dev/null && echo "$file" >>written.txt
done
# Beside it, where it may only seem to.
echo bad >../beside; echo bad >/tmp/flow-ai-outside
echo fine >"$TMPDIR/fine" && cat "$TMPDIR/fine" >>made.txt
mv "$TMPDIR/fine" moved.txt && rm moved.txt && echo cut >made.txt.2"#,
                "",
            );
            let held = if as_nobody { held.by_nobody() } else { held };
            held.run().ok().says(if *means == "landlock" {
                "sandbox: Landlock"
            } else {
                "sandbox: bubblewrap"
            });
            assert_eq!(held.made("made.txt"), "made\nfine\n", "{means}");
            for path in ["home/x", "home/.ssh/x", ".repo.flow-ai/beside"] {
                assert!(!held.outside(path).exists(), "{means}: {path}");
            }
            for path in ["/dev/shm/x", "/var/tmp/flow-ai-outside", "/tmp/flow-ai-outside", "/etc/x"] {
                assert!(!PathBuf::from(path).exists(), "{means}: {path}");
            }
        }
    }
}

#[test]
fn an_agent_sees_no_secret_no_other_work_and_no_process_of_ours() {
    for means in MEANS {
        for as_nobody in [false, true] {
            let held = Held::new(
                means,
                r#"for file in "$HOME/.ssh/id" "$HOME/.netrc" "$HOME/.claude/key" "$HOME/link" ../../repo/.env ../../repo/.git/config; do
  cat "$file" >>seen.txt 2>/dev/null
done
cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep ^AWS_SECRET >>seen.txt
echo "$AWS_SECRET_ACCESS_KEY|$SSH_AUTH_SOCK|$PWD" >environment.txt
ls /run/* 2>/dev/null | wc -l >sockets.txt
cat "$HOME/fine" >fine.txt"#,
                "[sandbox]\nread = [\"~/fine\"]",
            );
            for (path, text) in [
                ("home/.ssh/id", "KEY"),
                ("home/.netrc", "KEY"),
                ("home/.claude/key", "KEY"),
                ("repo/.env", "KEY"),
                ("home/fine", "fine"),
            ] {
                let path = held.outside(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            std::os::unix::fs::symlink(held.outside("home/.ssh/id"), held.outside("home/link")).unwrap();
            let held = if as_nobody { held.by_nobody() } else { held };
            let mut command = held.command();
            command.env("AWS_SECRET_ACCESS_KEY", "KEY").env("SSH_AUTH_SOCK", "/KEY");
            Out::of(command.output().unwrap()).ok();
            assert_eq!(
                (held.made("seen.txt"), held.made("fine.txt")),
                (String::new(), "fine".into()),
                "{means}"
            );
            assert!(held.made("environment.txt").starts_with("||/"), "{}", held.made("environment.txt"));
        }
    }
}

#[test]
fn set_up_and_checks_are_held_like_agents() {
    for means in MEANS {
        let held = Held::new(
            means,
            "echo made >made.txt",
            "setup = 'echo bad >\"$HOME/setup\"; true'\nverify = 'echo bad >\"$HOME/verify\"; true'",
        );
        held.run().ok();
        assert!(!held.outside("home/setup").exists() && !held.outside("home/verify").exists(), "{means}");
    }
}

#[test]
fn root_inside_has_not_what_undoes_the_sandbox() {
    for means in MEANS {
        let held = Held::new(
            means,
            r#"touch undone.txt
mount -o remount,bind,rw / && echo remount >>undone.txt
mount -t tmpfs none "$HOME" && echo mount >>undone.txt
umount "$HOME/.ssh" && echo umount >>undone.txt
mknod device c 1 3 && echo device >>undone.txt
(: >>/proc/sys/kernel/core_pattern) && echo settings >>undone.txt
sed -n 's/^CapEff:\t//p' /proc/self/status >left.txt"#,
            "",
        );
        fs::create_dir(held.outside("home/.ssh")).unwrap();
        held.run().ok();
        assert_eq!(held.made("undone.txt"), "", "{means}");
        if fs::metadata(held.place.root()).unwrap().uid() == 0 {
            let left = u64::from_str_radix(held.made("left.txt").trim(), 16).unwrap();
            assert_eq!(left, 1 << 31 | 0b1111_1011, "{means}");
        }
    }
}

#[test]
fn a_means_that_nobody_knows_is_refused() {
    let held = Held::new("chroot", "true", "");
    held.run().exits(2).says("none of bubblewrap, landlock and seatbelt");
}

#[test]
fn an_agent_that_lies_in_what_is_hidden_is_started_all_the_same() {
    for means in MEANS {
        let held = Held::new(means, "", "");
        held.place.write(
            "tools/agent",
            "#!/bin/sh\ncat >/dev/null\nls \"${0%/*}\" >>names.txt\ncat \"${0%/*}\"/* >made.txt 2>/dev/null\necho >>made.txt\n",
        );
        held.place.write("tools/beside", "KEY");
        let tool = held.place.repo().join("tools/agent");
        fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let personal =
            format!("version = 1\n[agents.own]\ncommand = [\"{}\"]\nvendor = \"acme\"\n", tool.display());
        let config = held.outside("home/.config/git-flow-ai/config.toml");
        fs::create_dir_all(config.parent().unwrap()).unwrap();
        fs::write(config, personal).unwrap();
        held.place.flow(&["run", "demo", "--no-review", "--agent", "own"]).ok();
        let made = held.made("made.txt");
        assert!(
            made.starts_with("#!/bin/sh") && !made.contains("KEY"),
            "{means}: it sees only itself: {made}"
        );
    }
}

#[test]
fn the_doctor_says_what_holds_and_what_does_not() {
    for (means, says) in
        [("bubblewrap", "sandbox: bubblewrap"), ("landlock", "not held: the names of hidden files")]
    {
        let held = Held::new(means, "true", "");
        let says = says.trim_start_matches("sandbox: ");
        held.place.flow(&["doctor"]).says("sandbox\n").says(says);
    }
    let off = Held::new("off", "true", "");
    off.place.flow(&["doctor"]).says("none (it is switched off)").says("git config flow-ai.sandbox prefer");
}

#[test]
fn folders_of_the_dead_go_and_no_others() {
    let temporary = std::env::temp_dir();
    let folder = |name: &str| temporary.join(format!("flow-ai-tmp-{name}-{}", std::process::id()));
    let [dead, alive, foreign] = ["dead", "alive", "foreign"].map(folder);
    for path in [&dead, &alive, &foreign] {
        fs::create_dir_all(path.join("inside")).unwrap();
    }
    fs::write(dead.join("lock"), "").unwrap();
    let lock = fs::File::create(alive.join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    Held::new("bubblewrap", "echo made >made.txt", "").run().ok();
    assert_eq!([&dead, &alive, &foreign].map(|path| path.exists()), [false, true, true]);
    for path in [alive, foreign] {
        fs::remove_dir_all(path).unwrap();
    }
}

#[test]
fn a_filter_that_is_a_program_of_the_project_is_held_where_agents_can_have_changed_it() {
    for means in MEANS {
        let held = Held::new(
            means,
            "printf '#!/bin/sh\\necho bad >\"%s/pwned\"\\ntr a-z A-Z\\n' \"$HOME\" >tools/loud.sh\necho quiet >made.txt",
            "",
        );
        held.place.write("tools/loud.sh", "#!/bin/sh\ntr a-z A-Z\n");
        held.place.write(".gitattributes", "*.txt filter=loud\n");
        held.place.git(&["add", "."]).ok();
        held.place.git(&["update-index", "--chmod=+x", "tools/loud.sh"]).ok();
        held.place.git(&["commit", "--quiet", "-m", "Be loud"]).ok();
        held.place.git(&["config", "filter.loud.clean", "sh tools/loud.sh"]).ok();
        held.run().ok();
        assert_eq!(held.made("made.txt"), "QUIET\n", "{means}: the filter does what the project says");
        assert!(!held.outside("home/pwned").exists(), "{means}");
    }
}

#[test]
fn where_bubblewrap_may_make_no_namespaces_the_run_says_what_holds_and_what_to_allow() {
    let held = Held::new("off", "echo work > one.txt", "");
    held.place
        .commit(".zenflow/config.toml", Config::new().run("attempts = 1").agent("fake", "acme").to_string());
    held.place.git(&["config", "flow-ai.sandbox", "prefer"]).ok();
    held.place.script("bwrap", "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1");
    let mut run = held.place.command("git-flow-ai");
    let out =
        Out::of(run.args(["run", "demo", "--no-review"]).env("container", "oci").output().unwrap()).ok();
    let out =
        out.says("sandbox: Landlock").says("bubblewrap cannot work here: bwrap: No permissions to create");
    // Which of them forbids it, this machine's settings decide.
    let allows = ["kernel.", "user.max_user_namespaces", "--security-opt seccomp=unconfined"];
    assert!(allows.iter().any(|how| out.stderr.contains(how)), "{out:?}");
    held.place.git(&["config", "flow-ai.sandbox-means", "bubblewrap"]).ok();
    held.place.git(&["config", "flow-ai.sandbox", "require"]).ok();
    let mut run = held.place.command("git-flow-ai");
    let out = Out::of(run.args(["run", "demo", "--no-review"]).env("container", "oci").output().unwrap());
    let out = out.exits(2).says("a sandbox is required, and there is none: bubblewrap cannot work here");
    assert!(allows.iter().any(|how| out.stderr.contains(how)), "{out:?}");
}
