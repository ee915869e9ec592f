//! Where agents keep their own state on this machine.
//!
//! An agent writes its own state and sees no other's. Its settings in there stay as they are, see
//! [`StatePaths::settings`].

use crate::domain::presets::{self, StatePaths};
use crate::system::fs::home::places;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A variable of an environment.
type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The state of all agents that we know.
pub fn all(variable: Variable) -> Vec<PathBuf> {
    presets::ALL.iter().flat_map(|preset| paths(&preset.state, variable)).collect()
}

/// Where all of one agent's state is in that environment.
pub fn paths(state: &StatePaths, variable: Variable) -> Vec<PathBuf> {
    let files = state.files.iter().flat_map(|path| places(path, variable));
    folders(state, variable).into_iter().chain(files).collect()
}

/// The folders among that: they have to exist before an agent is sandboxed, which could not make them.
pub fn folders(state: &StatePaths, variable: Variable) -> Vec<PathBuf> {
    let usual = state.folders.iter().flat_map(|path| places(path, variable));
    usual.chain(moved(state, variable)).collect()
}

/// What of it stays as it is.
pub fn settings(state: &StatePaths, variable: Variable) -> Vec<PathBuf> {
    let usual = state.settings.iter().flat_map(|path| places(path, variable));
    let moved = moved(state, variable);
    let inside = state.settings.iter().filter_map(|path| path.split_once('/'));
    let moved = inside.filter_map(|(_, rest)| Some(moved.as_ref()?.join(rest)));
    usual.chain(moved).collect()
}

/// Another place for it. One that has the whole home in it holds more than an agent's state.
fn moved(state: &StatePaths, variable: Variable) -> Option<PathBuf> {
    let place = state.moved_by.and_then(variable).map(PathBuf::from).filter(|path| path.is_absolute())?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let home = variable("HOME").map(PathBuf::from);
    let is_too_much = home.is_some_and(|home| real(&home).starts_with(real(&place)));
    (!is_too_much).then_some(place)
}
