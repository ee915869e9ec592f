//! One CLI's surroundings: an empty home, a repository with a worktree of ours, a scripted model.

use crate::scripted_model::{Options, start};
use crate::settings;
use crate::support::Place;
use git_flow_ai::agents::cli::{Agent, AgentReport, Job, Mode};
use git_flow_ai::agents::sandbox::launch::Launcher;
use git_flow_ai::agents::sandbox::{Sandbox, Scope};
use git_flow_ai::agents::worktree::{Worktree, Worktrees};
use git_flow_ai::domain::change::Vendor;
use git_flow_ai::domain::config::{AgentConfig, Config, SandboxMode};
use git_flow_ai::domain::presets::{Preset, Tested};
use git_flow_ai::gate::store::Repo;
use git_flow_ai::system::process::stop::Stop;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

/// A limit for what is expected to end by itself, in seconds: far more than it needs.
pub const LONG: u64 = 300;

/// The surroundings.
pub struct Setup {
    pub cli: &'static str,
    pub agent: Agent,
    sandbox: Sandbox,
    worktree: Worktree,
    // Not below the system's temporary folder: with its home there, codex cannot run any command.
    place: Place,
}

impl Setup {
    /// The setup of that CLI, or none (and a line that says so) where it is not to be run.
    pub fn new(cli: &'static str) -> Option<Setup> {
        Setup::held(cli, None)
    }

    /// The same, in the sandbox of that name.
    pub fn held(cli: &'static str, sandbox: Option<&str>) -> Option<Setup> {
        if !installed(cli) {
            return None;
        }
        let place = Place::within(Path::new(env!("CARGO_TARGET_TMPDIR")));
        place.commit_saying("Begin", "README.md", "# A project\n");
        let root = place.root();
        for folder in ["bodies", "empty"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        let options = Options { log: Some(root.join("requests.jsonl")), dump: Some(root.join("bodies")) };
        let url = start(options).unwrap();
        let config = settings::of(cli, &url, &root.join("home"));
        let agent = Agent::new(cli, &config).unwrap();
        let repo = Repo::open(&place.repo()).unwrap();
        let worktrees = Worktrees::new(&repo, &Config::default()).unwrap();
        let main = repo.find_ref("refs/heads/main").unwrap().unwrap();
        let worktree = worktrees.make("work", main).unwrap();
        let mut setup = Setup { cli, agent, sandbox: Sandbox::none(), worktree, place };
        if let Some(name) = sandbox {
            setup.sandbox = setup.sandbox_called(name)?;
        }
        Some(setup)
    }

    /// The sandbox of that name, or none (and a line that says so) where the system has it not.
    fn sandbox_called(&self, name: &str) -> Option<Sandbox> {
        let mut config = Config::default();
        config.run.sandbox = Some(SandboxMode::Prefer);
        if name == "Landlock" {
            self.place.git(&["config", "flow-ai.sandbox-means", "landlock"]).ok();
        }
        let repo = Repo::open(&self.repo()).unwrap();
        let launcher = Launcher::at(env!("CARGO_BIN_EXE_git-flow-ai").into());
        let sandbox = git_flow_ai::agents::sandbox_launched_by(Some(launcher), &repo, &config).unwrap();
        let found = sandbox.to_string();
        if found.starts_with(name) {
            return Some(sandbox);
        }
        assert_ne!(std::env::var("FLOW_AI_COMPAT").unwrap(), "require", "no {name} here: {found}");
        tell(&format!("skipped {}: {found}", std::thread::current().name().unwrap_or_default()));
        None
    }

    /// What git says in a folder of the setup; it must succeed.
    pub fn git(&self, folder: &Path, arguments: &[&str]) -> String {
        self.place.git_in(folder, arguments).ok().stdout
    }

    /// The repository.
    pub fn repo(&self) -> PathBuf {
        self.place.repo()
    }

    fn home(&self) -> PathBuf {
        self.place.root().join("home")
    }

    /// The worktree that edits happen in.
    pub fn worktree(&self) -> PathBuf {
        self.worktree.path().to_owned()
    }

    /// The empty folder that reviews happen in.
    pub fn empty(&self) -> PathBuf {
        self.place.root().join("empty")
    }

    /// Has it edit.
    pub fn edit(&self, prompt: &str, timeout: u64, silence: u64) -> AgentReport {
        self.run(&self.job(Mode::Edit, prompt, timeout, silence), None)
    }

    /// Has it review.
    pub fn review(&self, prompt: &str) -> AgentReport {
        let mut job = self.job(Mode::Review, prompt, LONG, LONG);
        job.schema = Some(git_flow_ai::commands::review::answer::schema());
        self.run(&job, None)
    }

    /// A piece of work; the limits are in seconds.
    pub fn job(&self, mode: Mode, prompt: &str, timeout: u64, silence: u64) -> Job {
        Job {
            prompt: prompt.to_owned(),
            scope: match mode {
                Mode::Edit => self.worktree.scope(),
                Mode::Review => Scope { dir: self.empty(), ..Scope::default() },
            },
            sandbox: self.sandbox.clone(),
            mode,
            env: Vec::new(),
            transcript: Some(self.place.root().join("transcript")),
            timeout: Duration::from_secs(timeout),
            silence: Duration::from_secs(silence),
            schema: None,
        }
    }

    /// Runs it; `stop_when` says when to tell it to stop. Nothing of it may be left alive.
    pub fn run(&self, job: &Job, stop_when: Option<&dyn Fn() -> bool>) -> AgentReport {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (stopper, stop) = Stop::pair();
        let watch = async {
            while !stop_when.is_some_and(|due| due()) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            stopper.stop();
            std::future::pending::<()>().await;
        };
        let report = runtime.block_on(async {
            tokio::select! {
                report = self.agent.run(job, &stop, |_| {}) => report,
                () = watch => unreachable!(),
            }
        });
        let left = self.processes();
        assert!(left.is_empty(), "{} left these behind: {left:?}{}", self.cli, self.story());
        report.unwrap()
    }

    /// The processes that have this setup's home, hence come from here.
    fn processes(&self) -> Vec<String> {
        let mark = format!("HOME={}\0", self.home().display()).into_bytes();
        let pids = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
        pids.filter(|process| {
            fs::read(process.join("environ"))
                .is_ok_and(|environment| environment.windows(mark.len()).any(|part| part == mark))
        })
        .map(|process| {
            let command = fs::read_to_string(process.join("cmdline")).unwrap_or_default();
            format!("{} {}", process.display(), command.replace('\0', " "))
        })
        .collect()
    }

    /// The bodies of all requests.
    pub fn bodies(&self) -> Vec<serde_json::Value> {
        let files = fs::read_dir(self.place.root().join("bodies")).unwrap();
        files.map(|file| serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap()).collect()
    }

    /// Whether the model has answered any request with a fault.
    pub fn was_faulty(&self) -> bool {
        let log = fs::read_to_string(self.place.root().join("requests.jsonl")).unwrap_or_default();
        log.contains(r#""fault":true"#)
    }

    /// What the model and the CLI said, for a failure's message.
    pub fn story(&self) -> String {
        let end = |path: &Path| {
            let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
            text[text.floor_char_boundary(text.len().saturating_sub(6000))..].to_owned()
        };
        format!(
            "\n--- requests\n{}--- transcript\n{}",
            end(&self.place.root().join("requests.jsonl")),
            end(&self.place.root().join("transcript"))
        )
    }
}

/// Whether that CLI is there and to be run; a line says why not.
pub fn installed(cli: &str) -> bool {
    let Some(wanted) = std::env::var_os("FLOW_AI_COMPAT") else {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tell("skipped all: FLOW_AI_COMPAT is not set; .ci/compat runs the real CLIs"));
        return false;
    };
    let config = AgentConfig {
        preset: Some(cli.to_owned()),
        vendor: Some(Vendor::new("acme")),
        ..AgentConfig::default()
    };
    let found = Agent::new(cli, &config).unwrap().executable();
    if let Err(error) = &found {
        let is_required = Preset::find(cli).unwrap().tested == Tested::Always;
        assert!(wanted != "require" || !is_required, "{cli} is required: {error:#}");
        tell(&format!(
            "skipped {}: {cli} is not installed",
            std::thread::current().name().unwrap_or_default()
        ));
    }
    found.is_ok()
}

/// Says it past the test harness, which swallows what passing tests print.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
