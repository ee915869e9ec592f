//! A repository in which runs are killed: a plan of eight tasks, agents that behave in every way that
//! matters, a rival, and a log outside of it all.
//!
//! Nothing in it names the place, so that it is made once and copied for every round.

use crate::support::plan::task;
use crate::support::{Config, Out, Place};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// How long a run may take that nobody disturbs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The tasks, what each waits for, and how many attempts it takes.
pub const TASKS: [(&str, &[&str], u32); 8] = [
    ("plain", &[], 1),
    ("fails", &[], 2),
    ("sessions", &["plain"], 1),
    ("commits", &[], 1),
    ("daemon", &[], 1),
    ("joins", &["plain", "fails"], 1),
    ("shapes", &["commits"], 1),
    ("mended", &["daemon", "shapes"], 2),
];

/// `[run]`, and what agents may write besides their worktrees: the log.
const RUN: &str = r#"attempts = 3
setup = "mkdir -p build && echo made > build/setup"
verify = "test -f build/setup && test -f \"$GIT_FLOW_AI_TASK.txt\" || test \"$GIT_FLOW_AI_TASK\" = result || test \"$GIT_FLOW_AI_TASK\" = base""#;
const WRITABLE: &str = "write = [\"~/log\"]";

/// Notes each start, each file before and after it is written, and each end.
const AGENT: &str = r#"prompt=$(cat)
task=$GIT_FLOW_AI_TASK
log=$HOME/log/agents.log
own=$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
echo "start $task $GIT_FLOW_AI_ATTEMPT" >> "$log"
put() { # a file whose name and content nobody else's has
    echo "begin $task $1" >> "$log" || exit 1
    mkdir -p "$(dirname "$1")"
    echo "$1 by $task" > "$1" && echo "wrote $task $1" >> "$log" || exit 1
    sleep 0.03
}
echo "working on $task"
put "work/$task.$own.1"
put "work/$task.$own.2"
case $task in
fails) [ "$GIT_FLOW_AI_ATTEMPT" = 1 ] && exit 1;;
sessions)
    setsid sh -c 'sleep 0.1; echo own > "own.$0"' "$own" &
    wait
    put "work/$task.$own.$(cat "own.$own")"
    rm "own.$own";;
commits)
    git add "work/$task.$own.1" && git commit -q -m 'By the agent itself';;
daemon)
    (cd / && setsid sh -c 'trap "" TERM; sleep 600' > /dev/null 2>&1 < /dev/null &);;
shapes)
    put "work/deep/er/$task.$own"
    echo 'exit 0' > tool; chmod +x tool
    ln -sfn tool link;;
mended)
    case $prompt in *'off by one'*) echo right > mended.state;; *) [ -f mended.state ] || echo wrong > mended.state;; esac;;
esac
put "work/$task.$own.3"
echo "$task" > "$task.txt" || exit 1
echo "done $task $GIT_FLOW_AI_ATTEMPT" >> "$log"
echo done"#;

const JUDGE: &str = r#"case $difference in *+wrong*) findings='[{"path":"mended.state","line":1,"severity":"P1","body":"off by one","suggestion":null}]';; esac
sleep 0.02"#;

/// A repository with a spec `demo` whose plan waits to be run.
pub struct KilledRun {
    pub place: Place,
}

impl KilledRun {
    /// With all eight tasks.
    pub fn new() -> KilledRun {
        static MADE: OnceLock<Place> = OnceLock::new();
        let made = MADE.get_or_init(|| set(&TASKS.map(|(id, after, _)| (id, after))));
        KilledRun { place: made.copy() }
    }

    /// The same, with agents and commands in a sandbox.
    pub fn held() -> KilledRun {
        let scene = KilledRun::new();
        let config = scene.place.root().join("home/.gitconfig");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(config, text.replace("sandbox = off", "sandbox = prefer")).unwrap();
        scene
    }

    /// With two tasks only, one after the other: every run of it does the same.
    pub fn small() -> KilledRun {
        static MADE: OnceLock<Place> = OnceLock::new();
        let made = MADE.get_or_init(|| set(&[("fails", &[]), ("commits", &["fails"])]));
        KilledRun { place: made.copy() }
    }

    /// `git flow-ai run` in a process group of its own.
    pub fn command(&self) -> Command {
        let mut command = self.place.command("git-flow-ai");
        command.args(["run", "demo", "--parallel", "4"]).env("TMPDIR", self.tmp());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command
    }

    /// The folder for temporary files, this scene's own.
    pub fn tmp(&self) -> PathBuf {
        let tmp = self.place.root().join("tmp");
        fs::create_dir_all(&tmp).unwrap();
        tmp
    }

    /// Starts a run and kills it after that time, with everything in its group if so wanted. None when it
    /// was over before.
    pub fn killed_after(&self, time: Duration, group: bool) -> Option<()> {
        let mut run = self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            if run.try_wait().unwrap().is_some() {
                return None;
            }
            thread::sleep(Duration::from_millis(1));
        }
        kill(&mut run, group);
        Some(())
    }

    /// Runs to the end.
    pub fn run(&self) -> Out {
        self.finish(self.command())
    }

    /// Has a command end by itself.
    pub fn finish(&self, mut command: Command) -> Out {
        let run = command.spawn().unwrap();
        let pid = Pid::from_child(&run);
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || sender.send(run.wait_with_output()));
        match receiver.recv_timeout(PATIENCE) {
            Ok(output) => Out::of(output.unwrap()),
            Err(_) => {
                let journals = self.journals().join("\n");
                let _ = kill_process(pid, Signal::KILL);
                panic!("the run hangs; its journals:\n{journals}");
            }
        }
    }

    /// Starts a run of a small scene, and kills it when the agent of `commits` is at work.
    pub fn killed_at_work(&self) {
        kill(&mut self.at_work(), false);
    }

    /// The same, and leaves it alive.
    pub fn at_work(&self) -> Child {
        let mut run = self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !self.log().iter().any(|line| line.starts_with("wrote commits")) {
            assert!(
                Instant::now() < deadline && run.try_wait().unwrap().is_none(),
                "it did not come to work"
            );
            thread::sleep(Duration::from_millis(1));
        }
        run
    }

    /// What agents told, line by line.
    pub fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.place.root().join("home/log/agents.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The texts of the journals, by the time of their runs.
    pub fn journals(&self) -> Vec<String> {
        let runs = self.place.repo().join(".git/flow-ai/runs/demo");
        let mut folders: Vec<PathBuf> =
            fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        folders.sort();
        let text = |run: PathBuf| fs::read(run.join("events.jsonl")).unwrap_or_default();
        folders.into_iter().map(|run| String::from_utf8_lossy(&text(run)).into_owned()).collect()
    }
}

/// Kills a run, and waits for nothing but its own end.
pub fn kill(run: &mut Child, group: bool) {
    let pid = Pid::from_child(run);
    let _ = if group { kill_process_group(pid, Signal::KILL) } else { kill_process(pid, Signal::KILL) };
    run.wait().unwrap();
}

fn set(tasks: &[(&str, &[&str])]) -> Place {
    let config = Config::new().run(RUN).section("sandbox", WRITABLE).agent("mine", "acme");
    let place = Place::with_config(config.reviewer("judge", "rival"));
    fs::create_dir(place.root().join("home/log")).unwrap();
    place.commit(".gitignore", "build/\n");
    place.script("mine", AGENT);
    place.reviewer("judge", JUDGE);
    let step = |(id, after): &(&str, &[&str])| match after {
        [] => task(id, ""),
        after => task(id, &format!("<!-- after: {} -->", after.join(", "))),
    };
    place.spec_with(&tasks.iter().map(step).collect::<String>());
    place
}

impl Drop for KilledRun {
    /// A scene that failed can be kept, to look at it.
    fn drop(&mut self) {
        if let (true, Some(keep)) = (thread::panicking(), std::env::var_os("FLOW_AI_KEEP")) {
            let _ = Command::new("cp").arg("-a").arg(self.place.root()).arg(keep).status();
        }
    }
}
