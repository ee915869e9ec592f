//! What an agent, a reviewer and the project's own commands can touch, through the real binary and the
//! system's real sandbox.
//!
//! Where the system has none, these say so and test that a run which requires one is refused.

use crate::support::{Out, Place};
use std::fs;
use std::path::PathBuf;

/// A repository with one task; its agent is that script, held by the sandbox.
struct Held {
    place: Place,
}

impl Held {
    fn new(agent: &str, more: &str) -> Held {
        let place = Place::with_config(&format!(
            "version = 1\n[run]\nsandbox = \"require\"\nattempts = 1\n{more}\n[agents.fake]\ncommand = [\"fake\"]\nvendor = \"acme\"\n"
        ));
        place.script("fake", &format!("cat >/dev/null\n{agent}"));
        for (name, text) in
            [("request.md", "Make it.\n"), ("plan.md", "### [ ] Step: Do it\n<!-- id: it -->\n\nDo it.\n")]
        {
            fs::write(place.root().join(name), text).unwrap();
        }
        let file = |name: &str| place.root().join(name).display().to_string();
        place.flow(&["spec", "Demo", "--workflow", "quick", "--from", &file("request.md")]).ok();
        place.flow(&["plan", "demo", "--from", &file("plan.md")]).ok();
        Held { place }
    }

    fn run(&self) -> Out {
        self.place.flow(&["run", "demo", "--no-review"])
    }

    /// A file of what the agent made.
    fn made(&self, path: &str) -> String {
        self.place.git(&["show", &format!("flow/demo/it:{path}")]).stdout
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.place.root().join(name)
    }
}

#[test]
fn an_agent_writes_its_worktree_and_nothing_else() {
    let held = Held::new(
        r#"echo made >made.txt
for file in "$HOME/x" "$HOME/.ssh/x" /etc/x /usr/x; do
  (echo bad >"$file") 2>/dev/null && echo "$file" >>written.txt
done
# Beside it, where it may only seem to.
echo bad >../beside; echo bad >/tmp/flow-ai-outside
echo fine >/tmp/fine && cat /tmp/fine >>made.txt
echo fine >"$TMPDIR/fine" && cat "$TMPDIR/fine" >>made.txt"#,
        "",
    );
    held.run().ok();
    assert_eq!(held.made("made.txt"), "made\nfine\nfine\n");
    assert_eq!(held.made("written.txt"), "");
    for path in ["home/x", "home/.ssh/x", ".repo.flow-ai/beside"] {
        assert!(!held.outside(path).exists(), "{path}");
    }
    assert!(!PathBuf::from("/tmp/flow-ai-outside").exists());
}

#[test]
fn an_agent_sees_no_secret_no_other_work_and_no_process_of_ours() {
    let held = Held::new(
        r#"for file in "$HOME/.ssh/id" "$HOME/.netrc" "$HOME/.claude/key" "$SECRET_FILE"; do
  cat "$file" >>seen.txt 2>/dev/null
done
echo "$AWS_SECRET_ACCESS_KEY|$SSH_AUTH_SOCK|$PWD" >environment.txt
ls /proc | grep -c '^[0-9]' >processes.txt
ls /run | wc -l >sockets.txt"#,
        "",
    );
    for (path, text) in
        [("home/.ssh/id", "KEY"), ("home/.netrc", "KEY"), ("home/.claude/key", "KEY"), ("repo/.env", "KEY")]
    {
        let path = held.outside(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut command = held.place.command("git-flow-ai");
    command.args(["run", "demo", "--no-review"]);
    command.env("AWS_SECRET_ACCESS_KEY", "KEY").env("SSH_AUTH_SOCK", "/KEY");
    Out::of(command.output().unwrap()).ok();
    assert_eq!(held.made("seen.txt"), "");
    assert!(held.made("environment.txt").starts_with("||/"), "{}", held.made("environment.txt"));
    let processes: usize = held.made("processes.txt").trim().parse().unwrap();
    assert!(processes < 10, "{processes}");
}

#[test]
fn set_up_and_checks_are_held_like_agents() {
    let held = Held::new(
        "echo made >made.txt",
        "setup = 'echo bad >\"$HOME/setup\"; true'\nverify = 'echo bad >\"$HOME/verify\"; test -e made.txt'",
    );
    held.run().ok();
    assert!(!held.outside("home/setup").exists() && !held.outside("home/verify").exists());
}

#[test]
fn an_agent_that_lies_in_what_is_hidden_is_started_all_the_same() {
    let held = Held::new("", "");
    held.place.write("tools/agent", "#!/bin/sh\ncat >/dev/null\nls \"${0%/*}\" >made.txt\n");
    let tool = held.place.repo().join("tools/agent");
    fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let personal =
        format!("version = 1\n[agents.own]\ncommand = [\"{}\"]\nvendor = \"acme\"\n", tool.display());
    let config = held.outside("home/.config/git-flow-ai/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(config, personal).unwrap();
    held.place.flow(&["run", "demo", "--no-review", "--agent", "own"]).ok();
    assert_eq!(held.made("made.txt"), "agent\n", "it sees itself and nothing beside it");
}

#[test]
fn root_inside_has_not_what_undoes_the_sandbox() {
    let held = Held::new(
        r#"touch undone.txt
mount -o remount,bind,rw / && echo remount >>undone.txt
umount "$HOME/.ssh" && echo umount >>undone.txt
mknod device c 1 3 && echo device >>undone.txt
(: >>/proc/sys/kernel/core_pattern) && echo settings >>undone.txt
true"#,
        "",
    );
    fs::create_dir(held.outside("home/.ssh")).unwrap();
    held.run().ok();
    assert_eq!(held.made("undone.txt"), "");
}
