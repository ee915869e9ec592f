//! One thing that `init` does, written down before its effect so that it can always be undone.

use super::installed::{CONFIG, Installed, OwnFile, OwnHook, Setting};
use super::script::Content;
use crate::domain::error::{Result, hint, hint_on};
use crate::domain::text::shell::{Part, command_line};
use crate::gate::store::Repo;
use crate::system::fs::Inside;
use crate::system::git;
use anyhow::Context;
use serde::Serialize;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub(super) enum Action {
    /// A new file of the working tree, relative to it.
    File { path: String, text: String },
    /// A hook of ours at that path (or the file that it reads, which is not run), and where the one that is
    /// there goes.
    Hook { content: Content, moved: Option<PathBuf> },
    /// A setting in the repository's own git config; `add` keeps the values that are there.
    Setting { setting: Setting, add: bool },
}

/// What was done, or found done, or is left to the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub state: StepState,
    pub what: String,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// On this machine: an agent, a key.
    Found,
    /// Done now (or would be, in a dry run).
    Done,
    Already,
    /// Left as it is, for the reason given.
    Kept,
    /// For the user to do.
    Todo,
}

impl Step {
    pub(super) fn new(state: StepState, what: impl Into<String>) -> Step {
        Step { state, what: what.into() }
    }
}

impl Action {
    pub fn describe(&self) -> String {
        match self {
            Action::File { path, .. } => format!("write {path}"),
            Action::Hook { content, moved: Some(moved) } => format!(
                "install the hook {}; what was there runs after it, as {}",
                content.path.display(),
                moved.file_name().unwrap_or_default().display()
            ),
            Action::Hook { content, .. } if content.runs => {
                format!("install the hook {}", content.path.display())
            }
            Action::Hook { content, .. } => format!("write {}", content.path.display()),
            Action::Setting { setting: Setting { file, key, value, previous }, add } => {
                let add = if *add { "--add " } else { "" };
                let was = previous.as_ref().map(|previous| format!("it was {previous}"));
                let place = (file != CONFIG).then(|| format!("in {file}"));
                let remarks: Vec<String> = was.into_iter().chain(place).collect();
                match remarks.is_empty() {
                    true => command_line!("git config {}{} {}", Part(add), key, value),
                    false => command_line!(
                        "git config {}{} {} ({})",
                        Part(add),
                        key,
                        value,
                        Part(&remarks.join(", "))
                    ),
                }
            }
        }
    }

    /// The text of the config, where this is what writes one.
    pub fn config(&self) -> Option<&str> {
        match self {
            Action::File { path, text } if path == crate::domain::config::PATH => Some(text),
            _ => None,
        }
    }

    /// Records what is about to be done.
    pub fn record(&self, installed: &mut Installed, root: &Path) -> Result<()> {
        match self {
            Action::File { path, text } => {
                for folder in missing(&root.join(path)) {
                    if let Ok(folder) = folder.strip_prefix(root)
                        && !installed.tree_folders.iter().any(|known| known == folder)
                    {
                        installed.tree_folders.push(folder.to_path_buf());
                    }
                }
                installed.files.retain(|file| file.path != *path);
                installed.files.push(OwnFile { path: path.clone(), text: text.clone() });
            }
            Action::Hook { content: Content { path, bytes, .. }, moved } => {
                for folder in missing(path) {
                    let folder = installed.relative(&folder)?;
                    if !installed.folders.contains(&folder) {
                        installed.folders.push(folder);
                    }
                }
                let path = installed.relative(path)?;
                let known = installed.hooks.iter().position(|hook| hook.path == path);
                let mut hook = match known {
                    Some(at) => installed.hooks.remove(at),
                    None => OwnHook { path, moved: None, texts: Vec::new() },
                };
                if let (None, Some(moved)) = (&hook.moved, moved) {
                    hook.moved = Some(installed.relative(moved)?);
                }
                hook.note(bytes);
                installed.hooks.insert(known.unwrap_or(installed.hooks.len()), hook);
            }
            Action::Setting { setting, .. } => {
                installed.settings.retain(|own| (&own.file, &own.key) != (&setting.file, &setting.key));
                installed.settings.push(setting.clone());
            }
        }
        Ok(())
    }

    /// A hook is only ever written inside the git directory: behind a link is somebody else's folder.
    pub fn refuse_elsewhere(&self, installed: &Installed) -> Result<()> {
        match self {
            Action::Hook { content, .. } if !installed.is_inside(&content.path) => Err(hint(
                format!(
                    "{} leads out of the repository, so no hook is written there",
                    content.path.display()
                ),
                "make a folder of what is a link there, or have that place run: git flow-ai hook <name>",
            )),
            _ => Ok(()),
        }
    }

    pub fn apply(&self, repo: &Repo, root: &Path) -> Result<()> {
        match self {
            Action::File { path, text } => {
                let folder = Path::new(path).parent().unwrap_or(Path::new(""));
                let made = Inside::open(root).and_then(|inside| inside.create_dir(folder));
                made.map_err(|error| {
                    let fix = format!("make a folder of what is a link in the way of {path}");
                    hint_on(
                        error.into(),
                        format!("{path} is not written: that is outside of the repository"),
                        fix,
                    )
                })?;
                write(&root.join(path), text.as_bytes(), 0o644)
            }
            Action::Hook { content: Content { path, bytes, runs }, moved } => {
                if let Some(moved) = moved {
                    fs::rename(path, moved)
                        .with_context(|| format!("the hook {} cannot be moved aside", path.display()))?;
                }
                write(path, bytes, if *runs { 0o755 } else { 0o644 })
            }
            Action::Setting { setting, add } => {
                let mut config = git::command(repo.common_dir());
                config.args(["config", "--file", &setting.file]).args(add.then_some("--add"));
                git::output(config.args([&setting.key, &setting.value])).map(drop)
            }
        }
    }
}

/// Writes a whole file or nothing, with its folders.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let cannot = || format!("{} cannot be written", path.display());
    fs::create_dir_all(folder).with_context(cannot)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    file.write_all(bytes).with_context(cannot)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode)).with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    Ok(())
}

/// The folders that have to be made for a path, outermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let missing = path.ancestors().skip(1).take_while(|folder| !folder.exists());
    let mut missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
    missing.reverse();
    missing
}
