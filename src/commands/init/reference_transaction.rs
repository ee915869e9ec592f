//! The hook `reference-transaction`, a program of its own that `init` writes into a repository.
//!
//! git starts it for every ref, several times: a rebase of 20 commits does so some 300 times. So it is
//! small, and starts the real program only for `ORIG_HEAD`, the notes that hold verdicts, and branches
//! that can be protected. What it has to know stands in the file beside it, `<its own name>.flow-ai`.
//! Without the program protected branches stay where they are, and all else goes on.
//!
//! # Why a program, and what that asks of a build
//! A script with the same filter costs the same where `/bin/sh` is dash, but where it is bash, a rebase of 20
//! commits takes 1.8 times the processor time (0.52 s against 0.28 s; a script that only exits, 1.67 times).
//! So `build.rs` compiles this file with cargo's own compiler, target, linker and flags, and the big program
//! carries the result within itself, since a second file to install would be forgotten.
//!
//! - A cross build needs nothing else: `build.rs` passes `TARGET` and the linker that cargo names. A linker
//!   or sysroot that only the environment of a wrapper sets has to reach build scripts too.
//! - sccache does not see this compilation, which takes a second: `build.rs` runs `RUSTC`, not the wrapper.
//! - A distribution that strips, signs or records what it builds finds this program only inside the big one;
//!   it is linked statically if the target can, without debug information, and uses no crates.

#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Read, Write, stderr, stdin};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// How the file beside us begins.
const MARK: &str = "# Installed by git-flow-ai;";

/// For a user who runs this by hand or looks into it; `init` knows its own hooks by these words.
const ABOUT: &str = "# Installed by git-flow-ai; git runs this as its hook reference-transaction";

/// What the file beside us says, one `key value` a line.
#[derive(Default)]
struct Settings {
    /// The real program; `None` if the file cannot be read.
    program: Option<PathBuf>,
    /// The hook that was there before, which runs after us.
    chained: Option<PathBuf>,
    /// What stays where it is when the program is gone.
    protected: Vec<String>,
    /// How the names of protected branches begin that are known by a pattern.
    protected_below: Vec<String>,
    /// Whether git's config names us, for where git does not look into its folder of hooks.
    stands_in: bool,
}

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let own = PathBuf::from(args.next().unwrap_or_default());
    let args: Vec<OsString> = args.collect();
    let status = answer(&own, &args).unwrap_or_else(|error| {
        tell(&format!("git flow-ai: {}: {error}", own.display()));
        1
    });
    ExitCode::from(status)
}

/// Asks us first, then the hook that was there before; the first that says no wins.
fn answer(own: &Path, args: &[OsString]) -> std::io::Result<u8> {
    if args.is_empty() {
        tell(ABOUT);
        return Ok(2);
    }
    let settings = Settings::beside(own);
    let asks = args.first().is_some_and(|phase| phase == "prepared");
    let chained = settings.chained.as_deref().filter(|path| is_executable(path));
    if !asks && chained.is_none() {
        return Ok(0);
    }
    let mut input = Vec::new();
    stdin().lock().read_to_end(&mut input)?;
    if asks {
        let status = ask(own, &settings, &input)?;
        if status != 0 {
            return Ok(status);
        }
    }
    chained.map_or(Ok(0), |chained| run(Command::new(chained).args(args), &input))
}

fn ask(own: &Path, settings: &Settings, input: &[u8]) -> std::io::Result<u8> {
    let updates: Vec<&[u8]> =
        input.split_inclusive(|byte| *byte == b'\n').filter(|line| matters(line)).collect();
    if updates.is_empty() || settings.stands_in && is_asked_by_the_file(own) {
        return Ok(0);
    }
    let updates = updates.concat();
    let Some(program) = &settings.program else {
        return Ok(guard(own, &updates, settings, &format!("{} cannot be read", beside(own).display())));
    };
    match run(Command::new(program).args(["hook", "reference-transaction", "prepared"]), &updates) {
        Ok(status) => Ok(status),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(guard(own, &updates, settings, &format!("{} is missing", program.display())))
        }
        Err(error) => {
            Ok(guard(own, &updates, settings, &format!("{} cannot be started: {error}", program.display())))
        }
    }
}

/// Whether the program has to look at a line `old new ref`: not at what is deleted, and not at our own branches,
/// whose work is judged when it enters another.
fn matters(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut words = line.splitn(3, |byte| *byte == b' ').skip(1);
    let (Some(new), Some(name)) = (words.next(), words.next()) else { return false };
    let is_branch = name.starts_with(b"refs/heads/") && !name.starts_with(b"refs/heads/flow/");
    (is_branch || name == b"ORIG_HEAD" || name == b"refs/notes/flow-ai")
        && new.iter().any(|byte| *byte != b'0')
}

/// Without the program, what is approved is unknown: protected branches stay where they are. Returns the status.
fn guard(own: &Path, updates: &[u8], settings: &Settings, why: &str) -> u8 {
    let text = String::from_utf8_lossy(updates);
    for line in text.lines() {
        let mut words = line.splitn(3, ' ').skip(1);
        let (Some(new), Some(name)) = (words.next(), words.next()) else { continue };
        let is_protected = match settings.program {
            Some(_) => {
                let is_below = |start: &String| name.starts_with(start.as_str());
                settings.protected.iter().any(|branch| branch == name)
                    || settings.protected_below.iter().any(is_below) && !name.starts_with("refs/heads/flow/")
            }
            // Which ones are protected is unknown.
            None => name.starts_with("refs/heads/"),
        };
        if is_protected && git(&["rev-parse", "--verify", "--quiet", name]).is_some_and(|now| now != new) {
            tell(&format!("git flow-ai: {why}, so nobody can tell whether {name} may move"));
            let by_hand = match own.parent().filter(|_| settings.stands_in) {
                Some(folder) => format!("rm -r {}", quoted(folder)),
                None => format!("rm {}", quoted(own)),
            };
            tell(&format!(
                "hint: install it again (cargo install git-flow-ai), or give up the gate: {by_hand}"
            ));
            return 1;
        }
    }
    0
}

/// Whether git runs us once more, as the file in its folder of hooks: then that one asks, in any git.
fn is_asked_by_the_file(own: &Path) -> bool {
    let Some(file) = git(&["rev-parse", "--git-path", "hooks/reference-transaction"]) else { return false };
    let file = Path::new(&file);
    is_executable(file)
        && beside(file).exists()
        && matches!((fs::read(file), fs::read(own)), (Ok(file), Ok(own)) if file == own)
}

/// What git says, on one line; it puts its own folder first on the PATH of its hooks.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end_matches('\n').to_owned())
}

/// Runs it with that input; a signal that ends it is a no.
fn run(command: &mut Command, input: &[u8]) -> std::io::Result<u8> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // It need not read all of it.
        let _ = pipe.write_all(input);
    }
    let code = child.wait()?.code().unwrap_or(1);
    Ok(u8::try_from(code).unwrap_or(1))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The file that tells us what we have to know.
fn beside(own: &Path) -> PathBuf {
    named(own, ".flow-ai")
}

fn named(own: &Path, suffix: &str) -> PathBuf {
    let mut name = own.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A path for a shell, so that a hint works when pasted; by hand, since this program uses no crates.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

fn tell(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

impl Settings {
    /// As written beside us; what cannot be read names no program, and then every branch is protected.
    fn beside(own: &Path) -> Settings {
        let text = fs::read(beside(own)).unwrap_or_default();
        let text: Cow<'_, str> = String::from_utf8_lossy(&text);
        let mut settings = Settings { chained: Some(named(own, ".flow-ai-chained")), ..Settings::default() };
        if !text.starts_with(MARK) {
            return settings;
        }
        for (key, value) in text.lines().filter_map(|line| line.split_once(' ')) {
            match key {
                "program" => settings.program = Some(value.into()),
                "chained" => settings.chained = Some(value.into()),
                "protected-below" => settings.protected_below.push(value.to_owned()),
                "protected" => settings.protected.push(value.to_owned()),
                "stands-in" => (settings.stands_in, settings.chained) = (true, None),
                _ => {}
            }
        }
        settings
    }
}
