//! What a tool unpacks at its first start is unpacked once: by a start of ours without a prompt or a worktree of
//! anybody. Every job finds it in its home, to be read; no agent can write it.

use super::prepare::start_of;
use super::{Agent, Job};
use crate::agents::sandbox::{SandboxedCommand, Scope};
use crate::domain::digest;
use crate::domain::error::Result;
use crate::domain::presets::Seed;
use crate::system::fs::lock::{self, Attempt};
use crate::system::fs::{private, temporary};
use crate::system::process::stop::Stop;
use crate::system::process::tree::Tree;
use anyhow::{Context, bail};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long the start may take.
const TIMEOUT: Duration = Duration::from_secs(120);

const PAUSE: Duration = Duration::from_millis(100);

/// Where the agent's seed is, and where it belongs below the home; `None` if it has none, or it is not made yet.
pub fn of(agent: &Agent, job: &Job) -> Option<(PathBuf, PathBuf)> {
    let (seed, folder) = wanted(agent, job)?;
    folder.is_dir().then(|| (folder, seed.folder.into()))
}

/// Makes the agent's seed if it is missing. Without one the tool unpacks by itself.
pub async fn before(agent: &Agent, job: &Job, stop: &Stop) {
    if let Some((seed, folder)) = wanted(agent, job).filter(|(_, folder)| !folder.exists()) {
        // The job shows whether the tool works.
        let _ = make(agent, job, seed, folder, stop).await;
    }
}

/// The seed, and where it is: another version of the tool has another.
fn wanted(agent: &Agent, job: &Job) -> Option<(Seed, PathBuf)> {
    let preset = agent.preset().filter(|_| job.sandbox.is_active())?;
    let seed = preset.home.seed?;
    let program = start_of(agent, preset).ok()?.get_program().to_owned();
    let found = fs::metadata(&program).ok()?;
    let version = format!("{} {} {}", program.to_string_lossy(), found.len(), found.mtime());
    let name = format!("{}-{}", preset.name, digest::sha256(&version).get(..16)?);
    Some((seed, job.sandbox.seeds().join(name)))
}

async fn make(agent: &Agent, job: &Job, seed: Seed, folder: PathBuf, stop: &Stop) -> Result<()> {
    let parent = job.sandbox.seeds();
    private::create_dir(&parent)?;
    let _lock = loop {
        match lock::try_take(&folder.with_extension("lock"), Duration::ZERO)? {
            Attempt::Taken(lock) => break lock,
            Attempt::Held(_) => sleep(PAUSE).await,
        }
    };
    if folder.exists() {
        return Ok(());
    }
    let empty = temporary::create_dir("seed")?;
    let preset = agent.preset().context("a command has no seed")?;
    let mut command = start_of(agent, preset)?;
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
