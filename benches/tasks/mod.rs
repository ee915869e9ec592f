//! What a task costs beside its agent: the worktree, the journal, the commits, the merge, the sandbox.
//!
//! The same agents (each writes one file), four at once: as a run in the sandbox, as a run without, and
//! bare, as a person's script would start them: `git worktree add`, the agent, `git commit`, `git
//! worktree remove`. And one command alone, held against bare.

use super::setting::{CONFIG, Setting};
use super::{SUPERVISE, compare};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

/// How many tasks a run has.
const TASKS: usize = 20;

/// A script that does what a run of [`TASKS`] tasks does, without any of its promises. Of several `git
/// worktree add` at once some fail (they read each other's half-made folders), so it tries again.
const BARE: &str = r#"seq 20 | xargs -P 4 -I {} sh -c '
until git worktree add --quiet --force --detach ../bare-{} main 2>/dev/null; do rm -rf ../bare-{}; done
cd ../bare-{} && ../agent </dev/null >/dev/null && git add --all && git commit --quiet --no-verify -m {} &&
rm -rf ../bare-{}' && git worktree prune"#;

/// Measures them.
pub fn cost(rounds: usize) {
    let setting = Setting::new();
    let mut bare = setting.command(std::env::current_exe().unwrap());
    bare.arg(SUPERVISE).env("TASKS", "200");
    let mut held = setting.command(std::env::current_exe().unwrap());
    held.arg(SUPERVISE).env("TASKS", "200").env("HELD", "1");
    compare(
        "200 no-op tasks, 8 at once, held / bare",
        20.0,
        rounds,
        || setting.repeat(1, &mut held),
        || setting.repeat(1, &mut bare),
    );
    for (how, goal) in [("off", 3.0), ("prefer", 4.0)] {
        let setting = with_agent(how);
        let mut specs = (0..=rounds).map(|number| spec(&setting, number)).collect::<Vec<_>>().into_iter();
        compare(
            &format!("run of {TASKS} tasks, sandbox {how} / script"),
            goal,
            rounds,
            || {
                let mut run = setting.ours();
                run.args(["run", &specs.next().unwrap(), "--no-review", "--parallel", "4"]);
                setting.repeat(1, run.stderr(Stdio::null()));
            },
            || setting.repeat(1, setting.command("sh").args(["-c", BARE])),
        );
    }
}

/// A repository with an agent that writes one file.
pub fn with_agent(sandbox: &str) -> Setting {
    let setting = Setting::new();
    let agent = setting.file("agent", "#!/bin/sh\ncat >/dev/null\necho made >\"made-$GIT_FLOW_AI_TASK\"\n");
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
    let config = format!(
        "{CONFIG}[run]\nsandbox = \"{sandbox}\"\n[agents.bench]\ncommand = [\"{}\"]\nvendor = \"acme\"\n",
        agent.display()
    );
    setting.commit("configured", "main", ".zenflow/config.toml", &config);
    setting.git(&["update-ref", "refs/heads/main", "configured"]);
    setting.git(&["reset", "--quiet", "--hard", "main"]);
    setting.git(&["config", "--global", "flow-ai.trust", "*"]);
    setting
}

/// A spec of [`TASKS`] independent tasks.
fn spec(setting: &Setting, number: usize) -> String {
    spec_of(setting, number, TASKS)
}

/// A spec of that many independent tasks.
pub fn spec_of(setting: &Setting, number: usize, tasks: usize) -> String {
    let mut plan = String::new();
    for task in 0..tasks {
        write!(plan, "### [ ] Step: Task {task}\n<!-- id: t{task} -->\n\nDo it.\n\n").unwrap();
    }
    let plan = setting.file("plan.md", &plan);
    let request = setting.file("request.md", "Do it.\n");
    let name = format!("bench-{number}");
    let mut begin = setting.ours();
    begin.args(["spec", &name, "--workflow", "quick", "--from"]).arg(request);
    setting.repeat(1, begin.stderr(Stdio::null()));
    let mut planned = setting.ours();
    planned.args(["plan", &name, "--from"]).arg(plan);
    setting.repeat(1, planned.stderr(Stdio::null()));
    name
}
