//! How an agent is started for a job: its command, its files, its keys, what it may touch.

use super::command::{self, PlainOutput};
use super::{Agent, Job, Mode};
use crate::agents::credentials;
use crate::agents::home::{self, HomeCopy};
use crate::agents::sandbox::{Backend, SandboxedCommand, Scope};
use crate::domain::config::AgentConfig;
use crate::domain::error::Result;
use crate::domain::presets::{self, Call, EventReader, Invocation, Preset};
use crate::gate::signing;
use crate::system::fs::temporary;
use crate::system::process::unattended::unattended;
use crate::system::{git, secrets};
use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What is to be started, and what reads it.
pub struct Prepared {
    program: PathBuf,
    invocation: Invocation,
    /// A folder of ours with the files of a preset; it vanishes with this.
    folder: Option<TempDir>,
    /// The file in it that the tool writes at its end.
    report: Option<&'static str>,
    pub reader: Box<dyn EventReader>,
}

impl Prepared {
    /// What is started for that job.
    pub fn new(agent: &Agent, job: &Job) -> Result<Prepared> {
        match agent.preset() {
            Some(preset) => Prepared::from_preset(agent, preset, job),
            None => {
                let (program, args) = command::command(agent, job.mode)?;
                let invocation = Invocation { args, ..Invocation::default() };
                let reader = Box::new(PlainOutput { mode: job.mode });
                Ok(Prepared { program, invocation, folder: None, report: None, reader })
            }
        }
    }

    fn from_preset(agent: &Agent, preset: &Preset, job: &Job) -> Result<Prepared> {
        let folder = preset.needs_folder.then(|| temporary::create_dir("agent")).transpose()?;
        let call = Call {
            config: &agent.config,
            mode: job.mode,
            prompt: &job.prompt,
            dir: &job.scope.dir,
            silence: job.silence,
            schema: job.schema.as_ref(),
            folder: folder.as_ref().map_or(Path::new(""), TempDir::path),
            is_root: rustix::process::geteuid().is_root(),
            has_own_home: job.sandbox.is_active(),
            // A sandbox makes mounts, which Landlock does not allow.
            can_nest_sandboxes: !matches!(job.sandbox.backend(), Backend::Landlock(_)),
            variable: &|name| variable(agent, name),
            real_folder: &|path| path.canonicalize().ok().filter(|path| path.is_dir()),
        };
        let mut invocation = Invocation::default();
        let program = program(agent, preset, &mut invocation)?;
        (preset.invoke)(&call, &mut invocation)?;
        for (name, text) in &invocation.files {
            let path = call.folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let reader = (preset.reader)(job.mode);
        Ok(Prepared { program, invocation, folder, report: preset.report, reader })
    }

    /// The prompt, if it goes to standard input.
    pub fn input(&self, job: &Job) -> Option<String> {
        self.invocation.reads_prompt.then(|| job.prompt.clone())
    }

    /// `seed`: a folder that its home shares, and where it is found there.
    pub fn sandboxed(
        &self,
        agent: &Agent,
        job: &Job,
        seed: Option<(PathBuf, PathBuf)>,
    ) -> Result<SandboxedCommand> {
        let mut command = self.command(agent, job);
        command.envs(keys(agent)?);
        let mut scope = self.scope(agent, job);
        scope.seeds.extend(seed);
        job.sandbox.wrap(&command, &scope)
    }

    /// What the tool wrote at its end into the file that its preset names.
    pub fn report(&self) -> Vec<u8> {
        let path = self.folder.as_ref().zip(self.report).map(|(folder, name)| folder.path().join(name));
        path.and_then(|path| fs::read(path).ok()).unwrap_or_default()
    }

    fn command(&self, agent: &Agent, job: &Job) -> Command {
        let mut command = Command::new(&self.program);
        git::forget_repository(&mut command);
        unattended(&mut command);
        let marks = presets::ALL.iter().flat_map(|preset| preset.marks);
        for name in marks.chain(&signing::AGENT) {
            command.env_remove(name);
        }
        command
            .args(&self.invocation.args)
            .env("NO_COLOR", "1")
            .env("TERM", "dumb")
            .envs(self.invocation.env.iter().map(|(name, value)| (name, value)))
            .envs(&agent.config.env)
            .envs(job.env.iter().map(|(name, value)| (name, value)))
            .env("GIT_FLOW_AI_MODE", if job.mode == Mode::Edit { "edit" } else { "review" });
        command
    }

    /// What it may touch: what the job says, its home, and our folder.
    fn scope(&self, agent: &Agent, job: &Job) -> Scope {
        let mut scope = job.scope.clone();
        let variable = |name: &str| variable(agent, name);
        if let Some(preset) = agent.preset() {
            // What the job brings comes first.
            let brought: Vec<PathBuf> = scope.home.iter().map(|copy| copy.to.clone()).collect();
            let copies = home::copies(&preset.home, job.mode, &variable).into_iter();
            scope.home.extend(copies.filter(|copy| !brought.contains(&copy.to)));
            scope.env.extend(preset.env.iter().map(|name| (*name).to_owned()));
            scope.without_env.extend(preset.home.moved.map(|moved| moved.variable.to_owned()));
        }
        let home = variable("HOME").map(PathBuf::from);
        let below = |path: &String| {
            let to = path.strip_prefix("~/")?;
            Some(HomeCopy { from: home.as_ref()?.join(to), to: to.into(), part: None })
        };
        scope.home.extend(agent.config.home.iter().filter_map(below));
        scope.write.extend(self.folder.as_ref().map(|folder| folder.path().to_owned()));
        scope
    }
}

/// The program of a preset, to be started with arguments of ours.
pub fn start_of(agent: &Agent, preset: &Preset) -> Result<Command> {
    let mut invocation = Invocation::default();
    let mut command = Command::new(program(agent, preset, &mut invocation)?);
    git::forget_repository(&mut command);
    unattended(&mut command);
    command.args(invocation.args);
    Ok(command)
}

/// The program to start. If it is not the one on the PATH, its arguments begin the invocation's.
fn program(agent: &Agent, preset: &Preset, invocation: &mut Invocation) -> Result<PathBuf> {
    let found = agent.executable()?;
    let real = found.canonicalize().unwrap_or_else(|_| found.clone());
    for direct in (preset.direct)(&real).into_iter().filter(|direct| direct.file.is_file()) {
        match direct.interpreter {
            None => return Ok(direct.file),
            Some((name, args)) => {
                if let Ok(interpreter) = agent.find_program(name, "install it") {
                    invocation.args.extend(args.iter().map(OsString::from));
                    invocation.args.push(direct.file.into_os_string());
                    return Ok(interpreter);
                }
            }
        }
    }
    Ok(found)
}

/// A variable as the agent will see it.
pub fn variable(agent: &Agent, name: &str) -> Option<OsString> {
    agent.config.env.get(name).map(OsString::from).or_else(|| env::var_os(name))
}

/// Its keys, which are asked for now and which no other agent gets.
fn keys(agent: &Agent) -> Result<Vec<(String, String)>> {
    let AgentConfig { env, env_command, .. } = &agent.config;
    secrets::learn_variables(env.iter().map(|(name, value)| (name.into(), value.into())));
    let keys = env_command
        .iter()
        .map(|(name, command)| Ok((name.clone(), credentials::from_command(command, name)?)));
    keys.collect::<Result<_>>().with_context(|| format!("the agent {} cannot be started", agent.name))
}
