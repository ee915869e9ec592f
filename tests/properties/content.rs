//! What the files of a world hold, and random edits of it.
//!
//! Made so that git is easily led astray: functions and whole files that are nearly twins, names that
//! change places, folders that move.

use super::repository::{FILE, PROGRAM, State};
use fastrand::Rng;
use gix::objs::tree::EntryKind;

pub const POLICY: &str = ".zenflow/config.toml";

/// The policy that every world begins with. Nobody is asked at that address: see `reviewer`.
const CONFIG: &str = "version = 1\n[reviewers.rival]\napi = \"openai-chat\"\nmodel = \"m\"\nvendor = \"openai\"\n\
                      base_url = \"http://127.0.0.1:1/v1\"\nkey_env = \"\"\n[gate]\nbranches = [\"main\"]\nreview_on_merge = false\n";

/// The folders that files are in and move to.
const FOLDERS: [&str; 4] = ["src", "tests", "lib", "deploy"];

/// The functions of a file, all with the same body.
const FUNCTIONS: [&str; 5] = ["allowed", "fixture", "stored", "checked", "sent"];

/// What every world begins with.
pub fn first(rng: &mut Rng) -> State {
    let mut state = State::new();
    state.insert(POLICY.into(), (FILE, CONFIG.into()));
    for path in ["src/auth.py", "src/store.py", "tests/mock_auth.py", "tests/test_store.py"] {
        state.insert(path.into(), (FILE, module(path, rng.usize(3..=5)).into_bytes()));
    }
    state.insert("deploy/run.sh".into(), (PROGRAM, module("run", 2).into_bytes()));
    state.insert(
        "docs/notes.txt".into(),
        (FILE, (1..30).map(|n| format!("  Note {n}.\n")).collect::<String>().into()),
    );
    // Data to git and to the request, which show bytes without a NUL as text.
    let picture = std::iter::once(0).chain(std::iter::repeat_with(|| rng.u8(..)).take(300)).collect();
    state.insert("picture.bin".into(), (FILE, picture));
    state.insert("link".into(), (EntryKind::Link, b"src".to_vec()));
    state.insert("vendored".into(), (EntryKind::Commit, "1".repeat(40).into_bytes()));
    state
}

fn module(name: &str, functions: usize) -> String {
    let functions = FUNCTIONS[..functions].iter().map(|function| body(function));
    std::iter::once(format!("# {name}\nimport {}\n\n", name.replace(['/', '.'], "_")))
        .chain(functions)
        .collect()
}

fn body(function: &str) -> String {
    format!(
        "def {function}(user):\n    if user.admin:\n        return True\n    log(user)\n    count(user)\n    return False\n\n"
    )
}

/// A random path of those that are wanted.
pub fn path(rng: &mut Rng, state: &State, wanted: impl Fn(&str) -> bool) -> Option<String> {
    let paths: Vec<&String> = state.keys().filter(|path| wanted(path)).collect();
    (!paths.is_empty()).then(|| paths[rng.usize(..paths.len())].clone())
}

pub fn is_code(path: &str) -> bool {
    path.ends_with(".py") || path.ends_with(".sh")
}

fn text(state: &State, path: &str) -> Vec<String> {
    String::from_utf8_lossy(&state[path].1).split_inclusive('\n').map(str::to_owned).collect()
}

fn put(state: &mut State, path: &str, lines: &[String]) {
    let kind = state[path].0;
    state.insert(path.into(), (kind, lines.concat().into_bytes()));
}

/// One random edit of any kind; `number` makes what is new unlike anything else. Says what it did.
pub fn edit(rng: &mut Rng, state: &mut State, number: usize) -> String {
    let Some(path) = path(rng, state, is_code) else { return plain(rng, state, number) };
    match rng.u8(..24) {
        0..=6 => code(rng, state, &path, number),
        7..=9 => twin(rng, state, &path),
        10..=12 => rename(rng, state, &path, number),
        13 => swap_names(rng, state, &path),
        14 => {
            state.remove(&path);
            format!("delete {path}")
        }
        15 => mode(state, &path),
        16 => policy(rng, state, number),
        17 => copy(rng, state, &path, number),
        18 => move_folder(rng, state),
        _ => plain(rng, state, number),
    }
}

/// An edit of that file's lines, with a line that nothing else has.
pub fn code(rng: &mut Rng, state: &mut State, path: &str, number: usize) -> String {
    let mut lines = text(state, path);
    let at = rng.usize(..=lines.len());
    match rng.u8(..5) {
        0 if at < lines.len() => {
            let gone = lines.remove(at);
            put(state, path, &lines);
            return format!("take {:?} out of {path}", gone.trim());
        }
        1 => lines.push(format!("def new{number}(user):\n    return {number}\n\n")),
        2 if at < lines.len() => lines[at] = format!("    unique{number}()\n"),
        _ => lines.insert(at, format!("    unique{number}()\n")),
    }
    put(state, path, &lines);
    format!("write {number} into {path}")
}

/// An edit that looks the same wherever it is done: in which function is drawn.
pub fn twin(rng: &mut Rng, state: &mut State, path: &str) -> String {
    let mut lines = text(state, path);
    let (from, to) = [
        ("    return False\n", "    return True\n"),
        ("    log(user)\n", "    trust(user)\n"),
        ("    count(user)\n", "    count(user)\n    grant(user)\n"),
    ][rng.usize(..3)];
    let places: Vec<usize> = (0..lines.len()).filter(|at| lines[*at] == from).collect();
    if places.is_empty() {
        return "nothing".into();
    }
    let at = places[rng.usize(..places.len())];
    lines[at] = to.into();
    let function =
        lines[..at].iter().rev().find(|line| line.starts_with("def ")).cloned().unwrap_or_default();
    put(state, path, &lines);
    format!("{:?} in {} of {path}", to.trim(), function.trim())
}

/// Gives a file another name; what was there goes.
pub fn rename(rng: &mut Rng, state: &mut State, path: &str, number: usize) -> String {
    let folder = FOLDERS[rng.usize(..FOLDERS.len())];
    let name = match rng.u8(..3) {
        0 => format!("moved{number}.py"),
        1 => "auth.py".into(),
        _ => path.rsplit('/').next().unwrap().to_owned(),
    };
    let to = format!("{folder}/{name}");
    let file = state.remove(path).unwrap();
    state.insert(to.clone(), file);
    format!("rename {path} to {to}")
}

fn copy(rng: &mut Rng, state: &mut State, path: &str, number: usize) -> String {
    let to = format!("{}/copy{number}.py", FOLDERS[rng.usize(..FOLDERS.len())]);
    state.insert(to.clone(), state[path].clone());
    format!("copy {path} to {to}")
}

/// Two functions get each other's name.
pub fn swap_names(rng: &mut Rng, state: &mut State, path: &str) -> String {
    let mut lines = text(state, path);
    let heads: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with("def ")).collect();
    if heads.len() < 2 {
        return "nothing".into();
    }
    let (one, other) = (heads[rng.usize(..heads.len())], heads[rng.usize(..heads.len())]);
    lines.swap(one, other);
    put(state, path, &lines);
    format!("swap {} and {} of {path}", lines[one].trim(), lines[other].trim())
}

fn mode(state: &mut State, path: &str) -> String {
    let (kind, bytes) = state[path].clone();
    state.insert(path.into(), (if kind == FILE { PROGRAM } else { FILE }, bytes));
    format!("change the mode of {path}")
}

fn move_folder(rng: &mut Rng, state: &mut State) -> String {
    let (from, to) = (FOLDERS[rng.usize(..FOLDERS.len())], FOLDERS[rng.usize(..FOLDERS.len())]);
    let inside: Vec<String> =
        state.keys().filter(|path| path.starts_with(&format!("{from}/"))).cloned().collect();
    for path in inside {
        let file = state.remove(&path).unwrap();
        state.insert(path.replacen(from, to, 1), file);
    }
    format!("move {from} to {to}")
}

/// An edit of a file by which the gate goes, or git.
pub fn policy(rng: &mut Rng, state: &mut State, number: usize) -> String {
    let config =
        String::from_utf8_lossy(&state.get(POLICY).cloned().unwrap_or((FILE, CONFIG.into())).1).into_owned();
    let block = "block = [\"P0\"]\n";
    let rule = "[[gate.rule]]\npaths = [\"src/**\"]\napprovals = 1\n";
    let edited = match rng.u8(..4) {
        0 if config.contains(block) => config.replace(block, ""),
        0 => config.replace("[gate]\n", &format!("[gate]\n{block}")),
        1 if config.contains(rule) => config.replace(rule, ""),
        1 => config + rule,
        2 => {
            let attributes = state.entry(".gitattributes".into()).or_insert((FILE, Vec::new()));
            attributes.1.extend(format!("*.x{number} eol=lf\n").into_bytes());
            return "extend .gitattributes".into();
        }
        _ => config.replace("version = 1\n", &format!("version = 1\n# {number}\n")),
    };
    state.insert(POLICY.into(), (FILE, edited.into_bytes()));
    "edit the policy".into()
}

/// An edit of something that is no code.
pub fn plain(rng: &mut Rng, state: &mut State, number: usize) -> String {
    match rng.u8(..6) {
        0 => {
            state.insert("link".into(), (EntryKind::Link, format!("to{number}").into()));
            "turn the link".into()
        }
        1 => {
            state.insert("vendored".into(), (EntryKind::Commit, format!("{number:040x}").into_bytes()));
            "move the submodule".into()
        }
        2 => {
            if let Some((_, bytes)) = state.get_mut("picture.bin") {
                let at = rng.usize(1..bytes.len());
                bytes[at] ^= 1;
            }
            "change the picture".into()
        }
        3 if state.contains_key("docs/notes.txt") => {
            let mut lines = text(state, "docs/notes.txt");
            let at = rng.usize(..=lines.len());
            lines.insert(at, format!("  Note unique {number}.\n"));
            put(state, "docs/notes.txt", &lines);
            "note something".into()
        }
        _ => {
            let path = format!("{}/new{number}.py", FOLDERS[rng.usize(..FOLDERS.len())]);
            state.insert(path.clone(), (FILE, body(&format!("new{number}")).into_bytes()));
            format!("add {path}")
        }
    }
}

/// The least that content can differ by: what nobody was shown.
pub fn mutate(rng: &mut Rng, state: &mut State) -> String {
    let Some(path) = path(rng, state, is_code) else { return "nothing".into() };
    let mut lines = text(state, &path);
    if lines.is_empty() {
        return mode(state, &path);
    }
    let at = rng.usize(..lines.len());
    let what = match rng.u8(..7) {
        0 => {
            lines[at] = format!("{} \n", lines[at].trim_end());
            "a space at a line's end"
        }
        1 => {
            lines[at].insert(0, '\t');
            "an indent"
        }
        2 => {
            let line = lines[at].clone();
            lines.insert(at, line);
            "a line doubled"
        }
        3 => {
            lines.remove(at);
            "a line gone"
        }
        4 => {
            let end = lines.last_mut().unwrap();
            *end = end.trim_end().to_owned();
            "no line end at the end"
        }
        5 => return mode(state, &path),
        _ => {
            state.insert("link".into(), (EntryKind::Link, b"/etc/passwd".to_vec()));
            return "another link".into();
        }
    };
    put(state, &path, &lines);
    format!("{what} in {path}")
}
