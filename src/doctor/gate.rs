//! Whether the gate is really asked: the hooks that git would run, and the notes that hold verdicts.
//!
//! A hook counts when git itself would run it (`git rev-parse --git-path hooks`, which husky and
//! others move), it is executable, it calls us, and the program that it calls is there.

use super::Check;
use crate::error::Result;
use crate::git;
use crate::init::HOOKS;
use crate::store::Repo;
use crate::store::config::Loaded;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const TOPIC: &str = "gate";
const INSTALL: &str = "git flow-ai init";

pub(super) fn examine(repo: &Repo, loaded: &Loaded, target: &str) -> Result<Vec<Check>> {
    let dir = repo.work_dir().unwrap_or(repo.git_dir());
    let mut checks = Vec::new();
    if !loaded.config.gate.protects(target) {
        checks.push(Check::note(
            TOPIC,
            format!("{target} is not protected"),
            format!("add it to `branches` under [gate] in {}", crate::config::PATH),
        ));
    }
    let hooks = git::output(git::command(dir).args(["rev-parse", "--git-path", "hooks"]))?;
    if repo
        .git_config("core.hooksPath")
        .is_some_and(|path| !Path::new(&path).is_absolute() && !path.starts_with('~'))
    {
        checks.push(Check::note(
            TOPIC,
            format!("core.hooksPath is relative ({hooks}): a fresh worktree may have no hooks there"),
            "make it absolute, or see that every checkout holds that folder",
        ));
    }
    let hooks = dir.join(hooks);
    let missing: Vec<Check> = HOOKS.iter().filter_map(|name| fault(&hooks, name)).collect();
    if missing.is_empty() {
        checks.push(Check::good(TOPIC, format!("hooks in {} ask before {target} moves", hooks.display())));
    }
    checks.extend(missing);
    checks.push(notes(dir)?);
    Ok(checks)
}

/// What keeps a hook from asking us; none when it does.
fn fault(dir: &Path, name: &str) -> Option<Check> {
    let path = dir.join(name);
    let Ok(script) = fs::read(&path) else {
        return Some(Check::bad(TOPIC, format!("the hook {name} is not installed"), INSTALL));
    };
    let script = String::from_utf8_lossy(&script);
    if script.contains("lefthook") && !script.contains("git-flow-ai") {
        return Some(Check::note(
            TOPIC,
            format!("lefthook runs the hook {name}, and only its lefthook.yml knows whether we are asked"),
            format!("{INSTALL} says what to add to it"),
        ));
    }
    if !script.contains("git-flow-ai") {
        return Some(Check::bad(
            TOPIC,
            format!("the hook {} is not ours and does not call us", path.display()),
            INSTALL,
        ));
    }
    let executable = fs::metadata(&path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
    if !executable {
        let mend = format!("chmod +x {}", path.display());
        return Some(Check::bad(TOPIC, format!("git ignores the hook {name}: it is not executable"), mend));
    }
    let program = program_of(&script)?;
    (!program.exists()).then(|| {
        Check::bad(TOPIC, format!("the hook {name} calls {}, which is gone", program.display()), INSTALL)
    })
}

/// The absolute path of our program that a hook's script names.
fn program_of(script: &str) -> Option<PathBuf> {
    let lines = script.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(|line| line.split(['"', '\'', '=', ';']));
    words
        .map(str::trim)
        .find(|word| word.starts_with('/') && word.ends_with("git-flow-ai"))
        .map(PathBuf::from)
}

/// Whether `git log` shows verdicts and merges of notes keep all of them.
fn notes(dir: &Path) -> Result<Check> {
    let get =
        |key: &str| git::output(git::command(dir).args(["config", "--get-all", key])).unwrap_or_default();
    let shown =
        get("notes.displayRef").lines().any(|glob| glob == "refs/notes/flow-ai" || glob == "refs/notes/*");
    let merged = get("notes.flow-ai.mergeStrategy") == "cat_sort_uniq";
    Ok(if shown && merged {
        Check::good(TOPIC, "git log shows verdicts, and merges of notes keep every record")
    } else {
        Check::note(TOPIC, "git log does not show verdicts, or merging their notes would conflict", INSTALL)
    })
}

#[cfg(test)]
mod tests {
    use super::program_of;

    #[test]
    fn the_program_is_found_however_the_hook_quotes_it() {
        for script in [
            "#!/bin/sh\n# made by git-flow-ai\nexec '/home/a b/bin/git-flow-ai' hook pre-commit \"$@\"\n",
            "#!/bin/sh\nprogram=\"/home/a b/bin/git-flow-ai\"\n\"$program\" hook x\n",
        ] {
            assert_eq!(program_of(script).unwrap().to_str(), Some("/home/a b/bin/git-flow-ai"));
        }
        assert_eq!(program_of("#!/bin/sh\ngit flow-ai hook x\n"), None);
    }
}
