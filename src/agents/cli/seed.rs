//! What a tool unpacks at its first start is unpacked once: by a start of ours without a prompt or a worktree of
//! anybody. Every job finds it in its home, to be read; no agent can write it.

use super::prepare::start_of;
use super::wait_for_lock::wait_for_lock;
use super::{Agent, Job};
use crate::agents::sandbox::{SandboxedCommand, Scope};
use crate::domain::digest;
use crate::domain::error::Result;
use crate::domain::presets::Seed;
use crate::system::fs::{private, temporary};
use crate::system::process::stop::Stop;
use crate::system::process::tree::Tree;
use anyhow::{Context, bail};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tokio::time::timeout;

/// How long the start may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Where the agent's seed is, and where it belongs below the home; `None` if it has none, or it is not made yet.
pub fn of(agent: &Agent, job: &Job) -> Option<(PathBuf, PathBuf)> {
    let (seed, _, folder) = wanted(agent, job)?;
    folder.is_dir().then(|| (folder, seed.folder.into()))
}

/// Makes the agent's seed if it is missing. Without one the tool unpacks by itself.
pub async fn before(agent: &Agent, job: &Job, stop: &Stop) {
    if let Some((seed, command, folder)) = wanted(agent, job).filter(|(_, _, folder)| !folder.exists()) {
        // The job shows whether the tool works.
        let _ = make(job, seed, command, folder, stop).await;
    }
}

/// The seed, how its tool is started, and where it is: another version of the tool has another.
fn wanted(agent: &Agent, job: &Job) -> Option<(Seed, Command, PathBuf)> {
    let preset = agent.preset().filter(|_| job.sandbox.is_active())?;
    let seed = preset.home.seed?;
    let command = start_of(agent, preset).ok()?;
    let program = command.get_program();
    let found = fs::metadata(program).ok()?;
    let version = format!("{} {} {}", program.to_string_lossy(), found.len(), found.mtime());
    let name = format!("{}-{}", preset.name, digest::sha256(&version).get(..16)?);
    Some((seed, command, job.sandbox.seeds().join(name)))
}

async fn make(job: &Job, seed: Seed, mut command: Command, folder: PathBuf, stop: &Stop) -> Result<()> {
    let parent = job.sandbox.seeds();
    private::create_dir(&parent)?;
    let _lock = wait_for_lock(&folder.with_extension("lock"), Duration::MAX).await?;
    if folder.exists() {
        return Ok(());
    }
    let empty = temporary::create_dir("seed")?;
    command.args(seed.args);
    let scope = Scope { dir: empty.path().canonicalize()?, ..Scope::default() };
    let SandboxedCommand { command, wrappers, guard } = job.sandbox.wrap(&command, &scope)?;
    let (mut tree, mut output) = Tree::start(command, None, wrappers)?;
    let mut stop = stop.clone();
    let ended = tokio::select! {
        ended = timeout(TIMEOUT, tree.ended()) => ended.is_ok_and(|status| status.is_ok_and(|status| status.success())),
        () = stop.wait() => false,
    };
    tree.finish(&mut output, |_, _| {}).await;
    let home = guard.home().context("it had no home")?;
    if !ended {
        bail!("it did not end well");
    }
    Ok(fs::rename(home.path().join(seed.folder), folder)?)
}
