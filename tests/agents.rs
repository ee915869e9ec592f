//! Agents that behave badly: whatever they do, the run ends, says how, and leaves nothing alive.
//!
//! Fakes are shell scripts that the real [`Agent::run`] starts.

use crate::support::{Place, processes};
use git_flow_ai::agents::cli::{Agent, AgentReport, Ending, Job, Mode};
use git_flow_ai::agents::sandbox::{Sandbox, Scope};
use git_flow_ai::domain::change::Vendor;
use git_flow_ai::domain::config::AgentConfig;
use git_flow_ai::domain::event::Activity;
use git_flow_ai::system::process::stop::Stop;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// A place with a folder for the agent, and what its process tree is known by.
struct FakeAgent {
    place: Place,
    job: Job,
}

impl FakeAgent {
    fn new(mode: Mode) -> FakeAgent {
        let place = Place::empty();
        let dir = place.root().join("work").canonicalize().unwrap_or_else(|_| {
            fs::create_dir(place.root().join("work")).unwrap();
            place.root().join("work").canonicalize().unwrap()
        });
        let job = Job {
            prompt: "Do it.".into(),
            transcript: Some(place.root().join("transcript")),
            scope: Scope { dir, edits: true, ..Scope::default() },
            sandbox: Sandbox::none(),
            mode,
            env: vec![("FLOW_AI_TEST_BED".into(), place.root().display().to_string())],
            timeout: Duration::from_secs(60),
            silence: Duration::from_secs(60),
            schema: None,
        };
        FakeAgent { place, job }
    }

    /// A plain command made of that shell script.
    fn command(&self, body: &str) -> Agent {
        let path = self.place.script("fake-agent", body);
        let config = AgentConfig {
            command: Some(vec![path.display().to_string()]),
            vendor: Some(Vendor::new("acme")),
            ..AgentConfig::default()
        };
        Agent::new("fake", &config).unwrap()
    }

    fn run(&self, agent: &Agent) -> AgentReport {
        self.run_and_tell(agent, |_| {})
    }

    fn run_and_tell(&self, agent: &Agent, on: impl FnMut(Activity)) -> AgentReport {
        let (_stopper, stop) = Stop::pair();
        let report = block_on(agent.run(&self.job, &stop, on)).unwrap();
        self.nothing_is_left();
        report
    }

    /// Runs it and stops it as soon as it has made that file.
    fn stop_at(&self, agent: &Agent, file: &str) -> AgentReport {
        let (stopper, stop) = Stop::pair();
        let file = self.job.scope.dir.join(file);
        let report = block_on(async {
            let wait = async {
                while !file.exists() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                stopper.stop();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                report = agent.run(&self.job, &stop, |_| {}) => report,
                () = wait => unreachable!(),
            }
        });
        self.nothing_is_left();
        report.unwrap()
    }

    /// No process of this place may be alive.
    #[track_caller]
    fn nothing_is_left(&self) {
        let left = processes::with_variable(&format!("FLOW_AI_TEST_BED={}", self.place.root().display()));
        assert!(left.is_empty(), "these are left: {left:?}");
    }

    fn transcript(&self) -> String {
        fs::read_to_string(self.job.transcript.as_ref().unwrap()).unwrap()
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn a_plain_command_gets_the_prompt_and_an_environment_of_its_own() {
    let mut bed = FakeAgent::new(Mode::Edit);
    bed.job.env.push(("GIT_FLOW_AI_TASK".into(), "t1".into()));
    let agent = bed.command(
        r#"cat; echo "$GIT_FLOW_AI_MODE $GIT_FLOW_AI_TASK"; echo "$PWD" >pwd; pwd -P >real; echo "${GIT_DIR-none}"
           [ ${#GIT_FLOW_AI_MARK} -ge 32 ] && echo marked; git hash-object --stdin </dev/null >/dev/null && echo done"#,
    );
    let report = bed.run(&agent);
    assert_eq!(report.ending, Ending::Done);
    assert_eq!(report.text, "Do it.edit t1\nnone\nmarked\ndone\n");
    let told = |name: &str| fs::read_to_string(bed.job.scope.dir.join(name)).unwrap().trim().to_owned();
    assert_eq!(Path::new(&told("pwd")), bed.job.scope.dir, "PWD is the folder it works in");
    assert_eq!(told("pwd"), told("real"));
}

#[test]
fn a_transcript_holds_everything_and_is_for_the_person_only() {
    let bed = FakeAgent::new(Mode::Edit);
    bed.run(&bed.command("echo out; echo err >&2"));
    let text = bed.transcript();
    assert!(text.contains("out\n") && text.contains("err\n"), "{text:?}");
    let mode = fs::metadata(bed.job.transcript.as_ref().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_agent_that_fails_says_why() {
    let bed = FakeAgent::new(Mode::Edit);
    let report = bed.run(&bed.command("echo fine; echo 'no such luck' >&2; exit 1"));
    let Ending::Failed(why) = report.ending else { panic!("{report:?}") };
    assert!(why.contains("exit status: 1") && why.contains("no such luck"), "{why}");
}

#[test]
fn an_agent_that_dies_by_a_signal_has_failed() {
    let bed = FakeAgent::new(Mode::Edit);
    let report = bed.run(&bed.command("echo fine; kill -9 $$"));
    assert!(matches!(&report.ending, Ending::Failed(why) if why.contains("signal: 9")), "{report:?}");
}

#[test]
fn an_empty_review_is_a_refusal_and_an_empty_edit_is_not() {
    let bed = FakeAgent::new(Mode::Review);
    let report = bed.run(&bed.command("cat >/dev/null; echo; echo '  '"));
    assert!(matches!(report.ending, Ending::Refused(_)), "{report:?}");
    let bed = FakeAgent::new(Mode::Edit);
    assert_eq!(bed.run(&bed.command("echo x >file")).ending, Ending::Done);
}

#[test]
fn a_prompt_that_is_not_read_hinders_nobody() {
    let mut bed = FakeAgent::new(Mode::Edit);
    bed.job.prompt = "long ".repeat(200_000);
    assert_eq!(bed.run(&bed.command("exec 0<&-; echo done")).ending, Ending::Done);
    assert_eq!(bed.run(&bed.command("echo done")).ending, Ending::Done);
}

#[test]
fn a_prompt_longer_than_an_argument_may_be_arrives_whole() {
    let mut bed = FakeAgent::new(Mode::Edit);
    bed.job.prompt = "x".repeat(1 << 20);
    assert_eq!(bed.run(&bed.command("wc -c")).text.trim(), (1 << 20).to_string());
}

#[test]
fn an_agent_that_hangs_is_stopped_for_its_silence() {
    let mut bed = FakeAgent::new(Mode::Edit);
    bed.job.silence = Duration::from_millis(300);
    assert_eq!(bed.run(&bed.command("echo begun; sleep 300")).ending, Ending::Silent);
}

#[test]
fn an_agent_that_never_ends_is_stopped_in_time_however_much_it_says() {
    let mut bed = FakeAgent::new(Mode::Edit);
    bed.job.timeout = Duration::from_millis(500);
    assert_eq!(bed.run(&bed.command("while :; do echo again; done")).ending, Ending::TimedOut);
}

#[test]
fn a_flood_is_read_in_bounded_memory() {
    let mut bed = FakeAgent::new(Mode::Edit);
    bed.job.transcript = None;
    let mut told = 0;
    let begun = Instant::now();
    let body = "yes 'a line of a flood that nobody will ever want to read again' | head -c 50000000; echo; echo last";
    let report = bed.run_and_tell(&bed.command(body), |_| told += 1);
    assert_eq!(report.ending, Ending::Done);
    assert!(report.text.len() <= 5 << 20, "{} bytes are kept", report.text.len());
    let most = begun.elapsed().as_millis() / 50 + 10;
    assert!(told < most, "{told} activities were told");
}

#[test]
fn a_line_without_end_is_cut_and_what_follows_is_read() {
    let bed = FakeAgent::new(Mode::Edit);
    let report = bed.run(&bed.command("head -c 20000000 /dev/zero | tr '\\0' x; echo; echo after it"));
    assert_eq!(report.ending, Ending::Done);
    let transcript = bed.transcript();
    assert!(transcript.ends_with("[the line went on]\nafter it\n"), "{}", transcript.len());
    assert!(transcript.len() < 5 << 20);
}

#[test]
fn garbage_is_taken_as_text() {
    let bed = FakeAgent::new(Mode::Edit);
    let report = bed.run(&bed.command("printf '\\377\\376\\000\\033[2J{\\n'; printf 'no end'"));
    assert_eq!(report.ending, Ending::Done);
    assert!(report.text.starts_with("\u{fffd}\u{fffd}\0"), "{:?}", report.text);
}

#[test]
fn a_grandchild_that_holds_the_pipes_delays_nobody() {
    let bed = FakeAgent::new(Mode::Edit);
    let begun = Instant::now();
    let report = bed.run(&bed.command("sleep 300 & echo done"));
    assert_eq!(report.ending, Ending::Done);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn children_that_ignore_term_are_killed() {
    let bed = FakeAgent::new(Mode::Edit);
    let agent = bed.command(
        "trap '' TERM INT HUP; (while :; do sleep 1; done) & touch ready; while :; do sleep 1; done",
    );
    assert_eq!(bed.stop_at(&agent, "ready").ending, Ending::Stopped);
}

#[test]
fn a_daemon_in_a_session_of_its_own_is_found_after_a_stop_and_after_a_good_end() {
    let daemon = "setsid sh -c 'sh -c \"touch ready; exec sleep 300\" >/dev/null 2>&1 </dev/null &' ; while [ ! -e ready ]; do sleep 0.01; done";
    let bed = FakeAgent::new(Mode::Edit);
    assert_eq!(bed.run(&bed.command(&format!("{daemon}; echo done"))).ending, Ending::Done);
    let bed = FakeAgent::new(Mode::Edit);
    let agent = bed.command(&format!("{daemon}; sleep 300"));
    assert_eq!(bed.stop_at(&agent, "ready").ending, Ending::Stopped);
}

#[test]
fn a_tree_that_forks_while_it_is_killed_is_killed() {
    let bed = FakeAgent::new(Mode::Edit);
    let fork = "trap '' TERM; touch ready; n=0; while [ $n -lt 300 ]; do (setsid sleep 300 &) ; n=$((n+1)); done; sleep 300";
    let agent = bed.command(fork);
    assert_eq!(bed.stop_at(&agent, "ready").ending, Ending::Stopped);
}

#[test]
fn a_run_that_nobody_waits_for_any_more_is_killed() {
    let bed = FakeAgent::new(Mode::Edit);
    let agent = bed.command("(setsid sleep 300 &); touch ready; sleep 300");
    let (_stopper, stop) = Stop::pair();
    let ready = bed.job.scope.dir.join("ready");
    block_on(async {
        tokio::select! {
            _ = agent.run(&bed.job, &stop, |_| {}) => unreachable!(),
            () = async { while !ready.exists() { tokio::time::sleep(Duration::from_millis(5)).await } } => {}
        }
    });
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until
        && !processes::with_variable(&format!("FLOW_AI_TEST_BED={}", bed.place.root().display())).is_empty()
    {
        std::thread::sleep(Duration::from_millis(10));
    }
    bed.nothing_is_left();
}

#[test]
fn agents_side_by_side_do_not_kill_each_others_daemons() {
    let (quick, slow) = (FakeAgent::new(Mode::Edit), FakeAgent::new(Mode::Edit));
    let brief = quick.command("sleep 0.3; echo done");
    // Its daemon lives until the agent itself ends it.
    let long = slow.command(
        "setsid sh -c 'sleep 300 & echo $! >pid' ; sleep 1; kill -0 $(cat pid) && echo alive; kill $(cat pid)",
    );
    let (_stopper, stop) = Stop::pair();
    let report = block_on(async {
        let both = (brief.run(&quick.job, &stop, |_| {}), long.run(&slow.job, &stop, |_| {}));
        tokio::join!(both.0, both.1).1.unwrap()
    });
    assert_eq!(report.text, "alive\n");
    slow.nothing_is_left();
}

#[test]
fn hundreds_of_agents_are_stopped_together() {
    let bed = FakeAgent::new(Mode::Edit);
    let agent = bed.command("(setsid sleep 300 &); echo >>ready; exec sleep 300");
    let ready = bed.job.scope.dir.join("ready");
    let job = Job { transcript: None, ..bed.job.clone() };
    let (stopper, stop) = Stop::pair();
    let begun = Instant::now();
    let endings = block_on(async {
        let all: Vec<_> = (0..300)
            .map(|_| {
                let (agent, job, stop) = (agent.clone(), job.clone(), stop.clone());
                tokio::spawn(async move { agent.run(&job, &stop, |_| {}).await.map(|report| report.ending) })
            })
            .collect();
        while fs::metadata(&ready).map_or(0, |file| file.len()) < 300 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stopper.stop();
        let mut endings = Vec::new();
        for one in all {
            endings.push(one.await.unwrap().unwrap());
        }
        endings
    });
    assert!(endings.iter().all(|ending| *ending == Ending::Stopped));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    bed.nothing_is_left();
}

#[test]
fn settings_that_make_no_agent_are_told_with_the_way_out() {
    let make = |text: &str| Agent::new("a", &toml::from_str(text).unwrap());
    let fix = |text: &str| {
        let error = make(text).unwrap_err();
        error.downcast_ref::<git_flow_ai::domain::error::Hint>().unwrap().fix.clone()
    };
    assert!(fix("").contains("preset"));
    assert!(fix("preset = \"claude\"\ncommand = [\"x\"]").contains("keep one"));
    assert!(fix("preset = \"cluade\"").contains("did you mean `claude`"));
    assert!(fix("command = []\nvendor = \"acme\"").contains("program"));
    assert!(fix("command = [\"x\"]").contains("vendor"));
    assert!(fix("preset = \"opencode\"").contains("model"));
    assert!(fix("preset = \"claude\"\nmodel = \"of-nobody-we-know\"").contains("vendor"));
    assert_eq!(make("preset = \"claude\"").unwrap().vendor, Vendor::new("anthropic"));
    assert_eq!(make("preset = \"claude\"\nmodel = \"glm-5\"").unwrap().vendor, Vendor::new("zhipu"));
    assert_eq!(make("preset = \"copilot\"\nmodel = \"gpt-5.5\"").unwrap().vendor, Vendor::new("openai"));
}

#[test]
fn a_program_is_never_looked_for_in_the_worktree() {
    let bed = FakeAgent::new(Mode::Edit);
    let mut agent = bed.command("true");
    agent.config.command = Some(vec!["./fake-agent".into()]);
    assert!(format!("{:#}", agent.executable().unwrap_err()).contains("worktree"));
    agent.config.command = Some(vec!["fake-agent".into()]);
    agent.config.env.insert("PATH".into(), format!(".::bin:{}", bed.place.root().join("bin").display()));
    assert_eq!(agent.executable().unwrap(), bed.place.root().join("bin/fake-agent"));
    agent.config.command = Some(vec!["no-such-agent".into()]);
    assert!(format!("{:#}", agent.executable().unwrap_err()).contains("not on the PATH"));
}
