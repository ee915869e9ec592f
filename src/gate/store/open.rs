//! Finding and opening the repository, or saying in one sentence why not.
//!
//! We run by hand, as hooks and under `git -c`, so what git says in the environment is honoured:
//! `GIT_DIR`, `GIT_INDEX_FILE`, `GIT_CONFIG_PARAMETERS`, and the quarantine in which a push's objects
//! wait for the verdict of `pre-receive`. Worktrees, submodules, bare, shallow and SHA-256
//! repositories open like any other; reftable is refused, because gix would list no refs at all.

use super::Repo;
use super::shared::Sharing;
use crate::domain::error::{Result, hint};
use crate::domain::text::shell::command_line;
use crate::system::fs::temporary;
use anyhow::Context;
use gix::sec::Trust;
use gix::sec::trust::{DefaultForLevel, Mapping};
use std::cell::OnceCell;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What those who can write to the repository must not bend: see [`Repo`].
const OVERRIDES: [&str; 3] =
    ["core.commitGraph=false", "core.useReplaceRefs=false", "gitoxide.core.protectWindows=false"];

/// How many bytes of objects are kept: what a window of commits that is judged reads more than once.
pub(super) const CACHE: usize = 32 << 20;

impl Repo {
    /// The repository that the current directory (or `GIT_DIR`) is in. Honours what git sets for hooks.
    pub fn discover() -> Result<Repo> {
        let here = std::env::current_dir().context("the current directory cannot be read")?;
        let ceilings = gix::discover::upwards::Options {
            match_ceiling_dir_or_error: false,
            ..gix::discover::upwards::Options::default()
        };
        let trust = Mapping { full: options(Trust::Full)?, reduced: options(Trust::Reduced)? };
        let found = match std::env::var_os("GIT_DIR") {
            // So `git receive-pack` calls hooks, and gix would look for the working tree above `.`.
            Some(dir) if dir == "." => {
                let trusted = Trust::from_path_ownership(&here).context("its owner cannot be told")?;
                options(trusted)?.open(&here)
            }
            // gix would look in a folder of `GIT_CEILING_DIRECTORIES` itself, which git does not.
            None if !searched(&here).any(may_be_repository) => return Err(outside(&here)),
            _ => gix::ThreadSafeRepository::discover_with_environment_overrides_opts(&here, ceilings, trust),
        };
        let gix = found.map_err(|error| refusal(&error, &here, searched(&here)))?.to_thread_local();
        Repo::over(gix, &elsewhere(&here))
    }

    /// The repository at that path (a worktree or a git directory), ignoring the environment.
    pub fn open(path: &Path) -> Result<Repo> {
        let path = fs::canonicalize(path).with_context(|| format!("{} cannot be opened", path.display()))?;
        let found =
            gix::open::Options::default_for_level(Trust::Full).config_overrides(OVERRIDES).open(&path);
        let gix = found.map_err(|error| refusal(&error, &path, [&*path].into_iter()))?.to_thread_local();
        Repo::over(gix, &[])
    }

    fn over(mut gix: gix::Repository, other_objects: &[PathBuf]) -> Result<Repo> {
        refuse_reftable(&gix)?;
        gix.make_paths_absolute()?;
        let absolute = |path: &Path| {
            fs::canonicalize(path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let git_dir = absolute(gix.git_dir())?;
        let common_dir = absolute(gix.common_dir())?;
        refuse_line_break(&common_dir)?;
        // A worktree whose folder has gone is no worktree; everything else can still be read.
        let work_dir = gix.workdir().and_then(|dir| fs::canonicalize(dir).ok());
        let own = common_dir.join("objects");
        let others: Vec<&PathBuf> = other_objects.iter().filter(|dir| **dir != own).collect();
        let quarantine = if others.is_empty() {
            None
        } else {
            let dir = temporary::create_dir("objects")?;
            write_alternates(dir.path(), others.into_iter().chain([&own]))?;
            let store =
                gix::odb::at(dir.path(), gix.object_hash()).context("the quarantine cannot be read")?;
            gix.objects = gix::odb::memory::Proxy::new(store, gix.object_hash()).with_write_passthrough();
            Some(dir)
        };
        gix.objects.ignore_replacements = true;
        gix.object_cache_size_if_unset(CACHE);
        let (sealed, more_notes) = (OnceCell::new(), Vec::new());
        Ok(Repo { gix, git_dir, common_dir, work_dir, quarantine, sealed, more_notes })
    }

    /// The folder that all worktrees share: `.git` of the main worktree, absolute.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The git directory of this very worktree, absolute.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The root of this worktree; none in a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    /// The index of this worktree: git's temporary one (`GIT_INDEX_FILE`) while we run in a hook.
    pub fn index_file(&self) -> PathBuf {
        self.gix.index_path()
    }

    /// Our own folder: `<common git dir>/flow-ai`, made when missing. Only its owner may look inside,
    /// because transcripts repeat what agents have seen; in a shared repository that holds for the folders of
    /// runs in it.
    pub fn own_dir(&self) -> Result<PathBuf> {
        let dir = self.common_dir.join("flow-ai");
        let Some(sharing) = Sharing::of(self) else { return private(dir) };
        // Where several people work; what one of them makes below these is that person's own.
        for folder in ["", "locks", "worktrees", "stage", "trash", "runs", "drafts"] {
            shared(dir.join(folder), sharing)?;
        }
        Ok(dir)
    }

    /// A folder in it for what each person keeps a part of: where the repository is shared, all may make theirs.
    pub fn own_folder(&self, name: &str) -> Result<PathBuf> {
        let dir = self.own_dir()?.join(name);
        Sharing::of(self).map_or_else(|| private(dir.clone()), |sharing| shared(dir.clone(), sharing))
    }

    /// The folders that hold its objects, quarantined ones first.
    pub(super) fn object_dirs(&self) -> Vec<PathBuf> {
        match &self.quarantine {
            Some(dir) => vec![dir.path().to_owned()],
            None => vec![self.common_dir.join("objects")],
        }
    }
}

/// A folder that is made where it is missing, and that nobody else may look into.
fn private(dir: PathBuf) -> Result<PathBuf> {
    make(&dir)?;
    if fs::metadata(&dir)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(dir)
}

/// The same for all who share the repository.
fn shared(dir: PathBuf, sharing: Sharing) -> Result<PathBuf> {
    make(&dir)?;
    sharing.share(&dir);
    Ok(dir)
}

fn make(dir: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("{} cannot be made", dir.display()))
}

/// Makes a folder an object store that holds nothing itself and sees these stores.
pub(super) fn write_alternates<'a>(
    objects: &Path,
    dirs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    let mut lines = Vec::new();
    for dir in dirs {
        refuse_line_break(dir)?;
        lines.extend_from_slice(dir.as_os_str().as_bytes());
        lines.push(b'\n');
    }
    fs::create_dir_all(objects.join("info"))?;
    fs::create_dir_all(objects.join("pack"))?;
    fs::write(objects.join("info/alternates"), lines)?;
    Ok(())
}

fn options(trust: Trust) -> Result<gix::open::Options> {
    let options = gix::open::Options::default_for_level(trust)
        .config_overrides(OVERRIDES)
        .bail_if_untrusted(trust == Trust::Reduced);
    match std::env::var("GIT_CONFIG_PARAMETERS") {
        Ok(text) => Ok(options.cli_overrides(parameters(&text)?)),
        Err(_) => Ok(options),
    }
}

/// Where git keeps objects besides the repository's own store, as it tells hooks: first the
/// quarantine of a push, then its alternates.
fn elsewhere(here: &Path) -> Vec<PathBuf> {
    let quarantine = std::env::var_os("GIT_OBJECT_DIRECTORY").map(PathBuf::from);
    let alternates = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    let all = quarantine.into_iter().chain(std::env::split_paths(&alternates));
    let real = all.filter(|dir| !dir.as_os_str().is_empty()).map(|dir| here.join(dir));
    real.filter_map(|dir| fs::canonicalize(dir).ok()).collect()
}

/// What `git -c key=value` hands down: `'key'='value' 'key'='value'`, quoted for a shell
/// (`git.c`, `config.c`; gix reads only `GIT_CONFIG_COUNT`).
fn parameters(text: &str) -> Result<Vec<String>> {
    let malformed = || hint("GIT_CONFIG_PARAMETERS is malformed", "unset it: git sets it for `git -c`");
    let mut all = shlex::split(text).ok_or_else(malformed)?;
    all.retain(|parameter| !parameter.is_empty());
    match all.iter().any(|parameter| parameter.starts_with('=')) {
        true => Err(malformed()),
        false => Ok(all),
    }
}

/// Refused at once: the gate and the harvest would be the first to fail, after agents have worked.
fn refuse_line_break(path: &Path) -> Result<()> {
    if !path.as_os_str().as_bytes().contains(&b'\n') {
        return Ok(());
    }
    Err(hint(
        format!("{path:?} has a line break in its name, which git's list of object stores cannot hold"),
        "rename that folder",
    ))
}

fn refuse_reftable(gix: &gix::Repository) -> Result<()> {
    let storage = gix.config_snapshot().string("extensions.refStorage");
    match storage {
        Some(storage) if storage != "files" => Err(reftable(&storage.to_string())),
        _ => Ok(()),
    }
}

fn reftable(storage: &str) -> anyhow::Error {
    hint(
        format!("this repository keeps its refs in the `{storage}` format, which is not supported yet"),
        "git refs migrate --ref-format=files",
    )
}

/// Why a repository could not be opened that was looked for in those folders, with the way out where there
/// is one.
fn refusal<'a>(
    error: &gix::Error,
    path: &'a Path,
    mut searched: impl Iterator<Item = &'a Path>,
) -> anyhow::Error {
    let place = path.display();
    let repository = searched.find(|dir| dir.join(".git").symlink_metadata().is_ok());
    let is_others = |path: PathBuf| matches!(Trust::from_path_ownership(&path), Ok(Trust::Reduced));
    let root = repository.unwrap_or(path);
    if error.is_permission_denied() && (is_others(root.to_owned()) || is_others(root.join(".git"))) {
        hint(
            format!("the repository at {place} belongs to somebody else"),
            command_line!("if you trust it: git config --global --add safe.directory {}", place),
        )
    } else if let Some(dir) = std::env::var_os("GIT_DIR").filter(|_| error.is_not_found()) {
        hint(format!("GIT_DIR is {}, which is no git repository", dir.display()), "unset GIT_DIR")
    } else if let Some(broken) = repository {
        let causes: Vec<String> = error.iter_errors().map(ToString::to_string).collect();
        let why = causes.iter().rfind(|cause| cause.contains(' ')).map_or("", String::as_str);
        hint(
            format!("the repository at {} is broken: {}", broken.display(), why.trim()),
            "`git status` there says more; if a worktree or its repository was moved: git worktree repair",
        )
    } else {
        outside(path)
    }
}

fn outside(path: &Path) -> anyhow::Error {
    let here = path.display();
    hint(format!("{here} is not in a git repository"), "go to one, or make one: git init")
}

/// Whether a folder has a `.git`, or looks like a git directory itself.
fn may_be_repository(dir: &Path) -> bool {
    dir.join(".git").symlink_metadata().is_ok() || dir.join("HEAD").symlink_metadata().is_ok()
}

/// The folders in which git looks for a repository: not those that `GIT_CEILING_DIRECTORIES` names.
fn searched(path: &Path) -> impl Iterator<Item = &Path> {
    let list = std::env::var_os("GIT_CEILING_DIRECTORIES").unwrap_or_default();
    let ceilings: Vec<PathBuf> = std::env::split_paths(&list).collect();
    let is_below = move |dir: &&Path| *dir == path || !ceilings.iter().any(|ceiling| ceiling == dir);
    path.ancestors().take_while(is_below)
}

#[cfg(test)]
mod tests {
    use super::parameters;

    #[test]
    fn what_git_hands_down_for_dash_c_is_read_in_both_of_its_forms() {
        assert_eq!(parameters("'a.b'='c d'").unwrap(), ["a.b=c d"]);
        assert_eq!(parameters("'a.b=c' 'd.e'='it'\\''s'").unwrap(), ["a.b=c", "d.e=it's"]);
        assert_eq!(parameters("'flow-ai.quiet'").unwrap(), ["flow-ai.quiet"]);
        assert!(parameters("'='").is_err());
    }
}
