//! Renews a login before a job, so that no job has to.
//!
//! Some providers end the old login when a new one is given. Two jobs that renewed the same one at once would end
//! it for each other, and what an agent steered is not copied back, so jobs get a login without what renews it.
//! Near its end it is renewed here: by a job that nobody steers, which asks the model for one word in a home with
//! the whole login, under a lock. Its login becomes the user's.

use super::prepare::variable;
use super::run::run;
use super::wait_for_lock::wait_for_lock;
use super::{Agent, Job, Mode};
use crate::agents::home::{self, HomeCopy};
use crate::agents::sandbox::Scope;
use crate::domain::error::Result;
use crate::domain::presets::{HomeFileKind, Renewal};
use crate::system::fs::home::{Base, base};
use crate::system::fs::lock::{Attempt, Lock};
use crate::system::fs::{private, temporary};
use crate::system::process::stop::Stop;
use anyhow::{Context, bail};
use jiff::Timestamp;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A login has to last so much longer than now, or as long as the job may take.
const AHEAD: Duration = Duration::from_secs(30 * 60);

/// How long a renewal may take.
const TIMEOUT: Duration = Duration::from_secs(120);

const PROMPT: &str = "Answer with the word: yes";

/// A login of the user's that is near its end.
struct Login<'a> {
    renewal: &'a Renewal,
    /// Where the user has it.
    path: PathBuf,
}

/// Renews the agent's login if it ends before the job may. What goes wrong is returned as a sentence: the job
/// will show whether the login does without.
pub async fn before(agent: &Agent, job: &Job, stop: &Stop) -> Option<String> {
    let login = Login::of(agent, job)?;
    login.due(job)?;
    let renewed = login.renew(agent, job, stop).await;
    renewed.err().map(|error| format!("the login of {} could not be renewed: {error:#}", agent.name))
}

impl Login<'_> {
    /// The login that the agent will use.
    fn of(agent: &Agent, job: &Job) -> Option<Login<'static>> {
        let variable = |name: &str| variable(agent, name);
        let home = &agent.preset().filter(|_| job.sandbox.is_active())?.home;
        let renewal = home.renewal.as_ref()?;
        let has_key = |name: &&str| variable(name).is_some() || agent.config.env_command.contains_key(*name);
        if renewal.keys.iter().any(has_key) {
            return None;
        }
        let is_login = |copy: &HomeCopy| copy.part.is_some_and(|file| file.kind == HomeFileKind::Login);
        let copies = home::copies(home, Mode::Review, &variable).into_iter();
        let path = copies.filter(is_login).find(|copy| copy.to == Path::new(renewal.login))?.from;
        Some(Login { renewal, path })
    }

    /// Its text, if it ends too soon.
    fn due(&self, job: &Job) -> Option<String> {
        let text = fs::read_to_string(&self.path).ok()?;
        let ahead = i64::try_from(job.timeout.min(AHEAD).as_secs()).unwrap_or(i64::MAX);
        let ends = self.renewal.expires(&text)?;
        (ends < Timestamp::now().as_second().saturating_add(ahead)).then_some(text)
    }

    async fn renew(&self, agent: &Agent, job: &Job, stop: &Stop) -> Result<()> {
        let _lock = self.lock().await?;
        // Another job may have renewed it meanwhile.
        let Some(before) = self.due(job) else { return Ok(()) };
        let folder = temporary::create_dir("login")?;
        let given = folder.path().join("login");
        let dir = folder.path().join("empty");
        fs::create_dir(&dir)?;
        private::append(&given)?
            .write_all(self.renewal.ended(&before).context("it is not a login")?.as_bytes())?;
        let copy = HomeCopy { from: given, to: self.renewal.login.into(), part: None };
        let clean = Job {
            prompt: PROMPT.into(),
            scope: Scope { dir: dir.canonicalize()?, home: vec![copy], ..Scope::default() },
            sandbox: job.sandbox.clone(),
            mode: Mode::Review,
            env: Vec::new(),
            transcript: None,
            timeout: TIMEOUT,
            silence: TIMEOUT,
            schema: None,
        };
        let (report, guard) = run(agent, &clean, stop, |_| {}).await?;
        let after = guard.home().and_then(|home| home.file(Path::new(self.renewal.login)));
        let after = after.with_context(|| format!("it is gone ({:?})", report.ending))?;
        let lasts = self.renewal.expires(&after);
        if lasts.is_none_or(|ends| ends <= Timestamp::now().as_second()) {
            bail!("its tool has not renewed it ({:?})", report.ending);
        }
        self.keep(&before, &after)
    }

    /// One renews, the others wait.
    async fn lock(&self) -> Result<Lock> {
        let folder = base(Base::State).context("there is no folder for state")?.join("git-flow-ai/logins");
        private::create_dir(&folder)?;
        let path = folder.join(self.renewal.login.replace('/', "-"));
        match wait_for_lock(&path, TIMEOUT + TIMEOUT).await? {
            Attempt::Taken(lock) => Ok(lock),
            Attempt::Held(_) => bail!("another process is renewing it"),
        }
    }

    /// Gives it to the user, unless the user has another one by now.
    fn keep(&self, before: &str, after: &str) -> Result<()> {
        let path = self.path.canonicalize()?;
        if fs::read_to_string(&path)? != before {
            return Ok(());
        }
        let parent = path.parent().context("it has no folder")?;
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        file.write_all(after.as_bytes())?;
        file.as_file().set_permissions(Permissions::from_mode(0o600))?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    }
}
