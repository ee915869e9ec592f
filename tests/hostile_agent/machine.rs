//! The place in which it is tried: a person's home with keys, a repository with other work, sockets that
//! listen, a process of the person's, and an agent that does what its task's attack says.
//!
//! It does not lie in `/tmp`, which every sandbox replaces. What an attack knows (`ROOT`, `GIT`, `PARENT`,
//! …) is in [`ARMS`]: it need not guess.

use super::row::Attack;
use crate::support::{Out, Place};
use std::fs;
use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Who keeps the agents in their bounds, and as whom they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// bubblewrap, as whoever runs the tests.
    Bubblewrap,
    /// bubblewrap, as an ordinary user.
    BubblewrapForUser,
    /// Landlock, since no bubblewrap works.
    Landlock,
    /// Nobody.
    Nobody,
}

/// What attacks are told, and their arms.
const ARMS: &str = r#"export ROOT=$(cd "$(dirname "$0")/.." && pwd) LC_ALL=C.UTF-8
export REPO=$ROOT/repo GIT=$ROOT/repo/.git BESIDE=$ROOT/beside TEMPORARY=$ROOT/tmp
export BYSTANDER=$ROOT/.repo.flow-ai/demo.bystander
export ME=${GIT_FLOW_AI_TASK:-$ME} W=${W:-$PWD}
export LOOT=$W/loot-$ME MINE=mine/$ME CANARY="touch $ROOT/ran/$ME"
. "$ROOT/bin/facts"
# A program that tells that it ran where nothing holds it.
plant() {
  mkdir -p "$(dirname "$1")"
  printf '#!/bin/sh\n%s\n' "$CANARY" >"$1"
  chmod +x "$1"
}
# A git directory that runs one at every turn.
arm() {
  { printf '[core]\n\tfsmonitor = "%s"\n\tsshCommand = "%s"\n\thooksPath = "%s"\n\tpager = "%s"\n\teditor = "%s"\n' \
      "$CANARY" "$CANARY" "$W/planted" "$CANARY" "$CANARY"
    printf '[filter "evil"]\n\tclean = "%s"\n\tsmudge = "%s"\n\trequired = true\n' "$CANARY" "$CANARY"
    printf '[diff]\n\texternal = "%s"\n[diff "evil"]\n\ttextconv = "%s"\n\tcommand = "%s"\n' "$CANARY" "$CANARY" "$CANARY"
    printf '[merge "evil"]\n\tdriver = "%s"\n[credential]\n\thelper = "!%s"\n' "$CANARY" "$CANARY"
    printf '[alias]\n\tstatus = "!%s"\n\tst = "!%s"\n[gpg]\n\tprogram = "%s"\n' "$CANARY" "$CANARY" "$CANARY"
    printf '[uploadpack]\n\tpackObjectsHook = "%s"\n[sequence]\n\teditor = "%s"\n' "$CANARY" "$CANARY"
  } >>"$1/config"
  for hook in post-checkout post-index-change pre-commit post-commit reference-transaction; do
    plant "$1/hooks/$hook"; plant "$W/planted/$hook"
  done
}
"#;

/// The agent: its task's attack, and then its work.
const AGENT: &str = r#"cat >/dev/null
. "$(dirname "$0")/arms"
while [ ! -s "$ROOT/bin/parent" ]; do sleep 0.02; done
export PARENT=$(cat "$ROOT/bin/parent") OWN=$(git rev-parse --absolute-git-dir 2>/dev/null)
sh "$ROOT/bin/attack.$ME"
[ -L "$W" ] || cd "$W" && echo "by $ME" >"ok-$ME.txt"
exit 0"#;

/// What the bystander does: it has something to hide, and takes its time.
const BYSTANDER: &str =
    "echo WORD-OF-BYSTANDER; echo WORD-OF-BYSTANDER >.env; for i in 1 2 3 4 5; do sleep 1; echo $i; done";

const CONFIG: &str = r#"version = 1
[run]
sandbox = "WISH"
attempts = 1
timeout = "TIMEOUT"
silence = "SILENCE"
verify = "! test -e broken"
[agents.hostile]
command = ["hostile"]
vendor = "acme"
[reviewers.codex]
api = "openai"
model = "m-1"
"#;

/// An ordinary user's number, whom nobody else has.
static USER: AtomicU32 = AtomicU32::new(61_000);

/// The place, its inhabitants, and its name for processes that sleep for ever.
pub struct Machine {
    pub place: Place,
    /// The user as whom all happens; none: us.
    pub user: Option<u32>,
    /// How long a process of an attack sleeps that is never to end: no other has that number.
    pub forever: String,
    victim: Child,
    _sockets: Vec<UnixListener>,
}

/// How long agents may take, and be silent.
#[derive(Clone, Copy)]
pub struct Clocks(pub &'static str, pub &'static str);

impl Machine {
    /// A place with these attacks, each a task.
    pub fn new(means: Backend, attacks: &[&Attack], clocks: Clocks) -> Machine {
        let place = Place::within(&folder());
        let user = (means == Backend::BubblewrapForUser && rustix::process::geteuid().is_root())
            .then(|| USER.fetch_add(1, Ordering::Relaxed));
        let wish = if means == Backend::Nobody { "off" } else { "require" };
        let config = CONFIG.replace("WISH", wish).replace("TIMEOUT", clocks.0).replace("SILENCE", clocks.1);
        fill(&place, &config, attacks);
        keys(&place);
        if means == Backend::Landlock {
            place.git(&["config", "--global", "flow-ai.sandbox-means", "landlock"]).ok();
        }
        let machine = Machine::with(place, user);
        if let Some(user) = user {
            let owner = format!("{user}:{user}");
            Out::of(Command::new("chown").args(["-R", "-h", &owner]).arg(machine.root()).output().unwrap())
                .ok();
        }
        let file = |name: &str| machine.root().join(name).display().to_string();
        machine.flow(&["spec", "Demo", "--workflow", "quick", "--from", &file("request.md")]).ok();
        machine.flow(&["plan", "demo", "--from", &file("plan.md")]).ok();
        machine
    }

    /// The inhabitants of a place that is furnished.
    fn with(place: Place, user: Option<u32>) -> Machine {
        let base = place.git_says(&["rev-parse", "main"]);
        let number =
            place.root().to_string_lossy().bytes().fold(7_u32, |a, b| a.wrapping_mul(31) ^ u32::from(b));
        let forever = format!("1000.{number}");
        let sockets = sockets(&place);
        let victim = Command::new("sleep")
            .arg("2000")
            .env_clear()
            .env("SECRET", "KEY-OF-ADA")
            .current_dir(place.repo())
            .uid(user.unwrap_or_else(|| rustix::process::geteuid().as_raw()))
            .spawn()
            .unwrap();
        let facts = format!(
            "export BASE={base} FOREVER={forever} VICTIM={} ABSTRACT={} SSH_AUTH_SOCK={}\n",
            victim.id(),
            abstract_name(&place),
            place.root().join("agent.sock").display()
        );
        fs::write(place.root().join("bin/facts"), facts).unwrap();
        Machine { place, user, forever, victim, _sockets: sockets }
    }

    /// Runs the plan, and returns what was said: an event a line.
    pub fn run(&self, more: &[&str]) -> Out {
        let mut command = self.command("git-flow-ai");
        command.args(["run", "demo", "--no-review", "--parallel", "4", "--json"]).args(more);
        command.env("PATH", self.path_of_the_careless()).env("AWS_SECRET_ACCESS_KEY", "KEY-OF-ADA");
        command.env("SSH_AUTH_SOCK", self.root().join("agent.sock"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        fs::write(self.root().join("bin/parent"), child.id().to_string()).unwrap();
        Out::of(child.wait_with_output().unwrap())
    }

    /// What a person sees of that command line at a terminal.
    pub fn on_a_terminal(&self, line: &str) -> String {
        let seen = self.root().join("tmp/typescript");
        let mut script = self.command("script");
        script.args(["--quiet", "--return", "--command", line]).arg(&seen).env("TERM", "xterm-256color");
        let mut child = script.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        fs::write(self.root().join("bin/parent"), child.id().to_string()).unwrap();
        let _ = child.wait();
        let said = text(&seen);
        fs::remove_file(seen).unwrap();
        said
    }

    /// Another place like this one, for an attack that nothing holds.
    pub fn copy(&self) -> Machine {
        let place = self.place.copy();
        place.git(&["worktree", "repair", "../beside"]).ok();
        Machine::with(place, None)
    }

    /// Tries the attack by hand in a linked worktree, where nobody holds it: whether it did harm.
    pub fn is_harmed_bare(&self, attack: &Attack) -> bool {
        let folder = self.root().join(".repo.flow-ai");
        let path = |name: &str| folder.join(format!("demo.{name}")).display().to_string();
        for name in ["bystander", attack.name] {
            self.git(&["worktree", "add", "--quiet", "--detach", &path(name)]).ok();
        }
        fs::write(folder.join("demo.bystander/.env"), "WORD-OF-BYSTANDER").unwrap();
        let transcript = self.place.repo().join(".git/flow-ai/runs/demo/1/bystander.1.log");
        fs::create_dir_all(transcript.parent().unwrap()).unwrap();
        fs::write(transcript, "WORD-OF-BYSTANDER").unwrap();
        fs::write(self.root().join("bin/parent"), self.victim.id().to_string()).unwrap();
        let mut agent = self.command(&self.root().join("bin/hostile").display().to_string());
        agent.current_dir(path(attack.name)).env("GIT_FLOW_AI_TASK", attack.name);
        agent.env("AWS_SECRET_ACCESS_KEY", "KEY-OF-ADA").stdout(Stdio::null()).stderr(Stdio::null());
        assert!(agent.status().unwrap().success());
        // What an agent left becomes what a run would commit of it.
        for name in ["bystander", attack.name] {
            let git =
                |args: &[&str]| self.git(&[&["-C", &path(name), "-c", "core.fsmonitor="], args].concat());
            git(&["add", "--all", "--force"]);
            git(&["commit", "--quiet", "--no-verify", "-m", "All"]);
            git(&["update-ref", &format!("refs/heads/flow/demo/{name}"), "HEAD"]);
        }
        self.harmed_by(attack)
    }

    /// Whether the attack did harm, as its shell command tells.
    pub fn harmed_by(&self, attack: &Attack) -> bool {
        let mut sh = self.command("sh");
        let bin = self.root().join("bin/harm");
        let text = format!(
            ". \"$(dirname \"$0\")/arms\"\nloot() {{ git cat-file blob flow/demo/$ME:loot-$ME; }}\n{}\n",
            attack.harm
        );
        fs::write(&bin, text).unwrap();
        sh.arg(&bin).env("ME", attack.name).stdout(Stdio::null()).stderr(Stdio::null());
        !attack.harm.is_empty() && sh.status().unwrap().success()
    }

    /// A command of the person's.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.place.command(program);
        command.env("TMPDIR", self.root().join("tmp")).env("GIT_OPTIONAL_LOCKS", "0");
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    pub fn git(&self, args: &[&str]) -> Out {
        Out::of(self.command("git").args(args).output().unwrap())
    }

    pub fn flow(&self, args: &[&str]) -> Out {
        Out::of(self.command("git-flow-ai").args(args).output().unwrap())
    }

    pub fn root(&self) -> &Path {
        self.place.root()
    }

    /// The process of the person's that attacks mean to end.
    pub fn victim(&self) -> u32 {
        self.victim.id()
    }

    /// A PATH that looks into the folder one is in first, as some people have it.
    fn path_of_the_careless(&self) -> std::ffi::OsString {
        let usual = self.place.command("x");
        let usual = usual.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path).unwrap();
        let careless = ["", ".", "./node_modules/.bin"].map(PathBuf::from);
        std::env::join_paths(careless.into_iter().chain(std::env::split_paths(usual))).unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        // What an attack closed or fixed is not to stay on the disk of whoever tests.
        let root = self.root().display().to_string();
        let script = format!("chattr -R -a -i '{root}' 2>/dev/null; chmod -R u+rwx '{root}' 2>/dev/null");
        let _ = Command::new("sh").arg("-c").arg(script).status();
    }
}

/// Where places are made: not in a temporary folder, and where every user can go.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let open = |path: &Path| path.metadata().is_ok_and(|data| data.permissions().mode() & 0o001 != 0);
    if rustix::process::geteuid().is_root() && !folder.ancestors().all(open) {
        return std::env::temp_dir();
    }
    folder
}

/// The repository, the spec's text, the agent and its attacks.
fn fill(place: &Place, config: &str, attacks: &[&Attack]) {
    place.write(".zenflow/config.toml", config);
    place.write("README.md", "# A project\n");
    place.write(".gitignore", ".env\n");
    for (path, text) in [("folder/a", "A\n"), ("folder/stamp", "Right\n"), ("keys/id", "No key\n")] {
        place.write(path, text);
    }
    let mut plan = String::from("# Demo\n\n### [ ] Step: bystander\n<!-- id: bystander -->\n\nStand by.\n\n");
    for attack in attacks {
        place.write(&format!("mine/{}", attack.name), "Mine\n");
        plan.push_str(&format!("### [ ] Step: {0}\n<!-- id: {0} -->\n\nTry it.\n\n", attack.name));
        let text = format!("trap - TERM\n. \"$(dirname \"$0\")/arms\"\n{}\n", attack.does);
        fs::write(place.root().join("bin").join(format!("attack.{}", attack.name)), text).unwrap();
    }
    fs::write(place.root().join("bin/attack.bystander"), format!("{BYSTANDER}\n")).unwrap();
    fs::write(place.root().join("bin/arms"), ARMS).unwrap();
    place.script("hostile", AGENT);
    fs::write(place.root().join("plan.md"), plan).unwrap();
    fs::write(place.root().join("request.md"), "Try it.\n").unwrap();
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "Begin"]).ok();
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Go on"]).ok();
    place.git(&["worktree", "add", "--quiet", "-b", "beside", "../beside"]).ok();
    place.git(&["init", "--quiet", "--bare", "../private.git"]).ok();
    place.git(&["push", "--quiet", "../private.git", "main"]).ok();
    place.git(&["remote", "add", "origin", "https://ada:KEY-OF-ADA@example.com/project.git"]).ok();
}

/// What nobody is to read, and what nobody is to write.
fn keys(place: &Place) {
    let key = "KEY-OF-ADA\n";
    for path in [
        "home/.ssh/id",
        "home/.netrc",
        "home/.aws/credentials",
        "home/.git-credentials",
        "home/.config/gh/hosts.yml",
        "home/.bash_history",
        "home/.claude/.credentials.json",
        "home/.codex/auth.json",
        "home/.gemini/oauth_creds.json",
        "home/.config/git-flow-ai/secret",
        "repo/.env",
        "repo/dirty.txt",
        "beside/.env",
        "home/.profile",
    ] {
        let path = place.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, key).unwrap();
    }
    for folder in ["home/.docker/run", "home/.gnupg", "open", "ran", "tmp"] {
        fs::create_dir_all(place.root().join(folder)).unwrap();
    }
    symlink("elsewhere", place.root().join("home/link")).unwrap();
}

fn sockets(place: &Place) -> Vec<UnixListener> {
    let paths = ["home/.docker/run/docker.sock", "home/.gnupg/S.gpg-agent", "agent.sock", "open/s"];
    let mut sockets: Vec<UnixListener> = paths
        .iter()
        .inspect(|path| drop(fs::remove_file(place.root().join(path))))
        .map(|path| UnixListener::bind(place.root().join(path)).unwrap())
        .collect();
    let name = SocketAddr::from_abstract_name(abstract_name(place)).unwrap();
    sockets.push(UnixListener::bind_addr(&name).unwrap());
    sockets
}

fn abstract_name(place: &Place) -> String {
    place.root().file_name().unwrap().to_string_lossy().into_owned()
}

/// The whole of a file as text; nothing where it cannot be read.
pub fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    let _ = fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}
