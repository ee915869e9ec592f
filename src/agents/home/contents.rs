//! What a job's home begins with: copies of the files that its tool's preset and the config name.

use super::Variable;
use super::toolchains::is_around;
use crate::domain::presets::{self, AgentHome, HomeFile, HomeFileKind, Mode};
use crate::system::fs::home::places;
use std::path::PathBuf;

/// Something that is copied into a job's home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeCopy {
    pub from: PathBuf,
    /// Where to, below the home.
    pub to: PathBuf,
    /// What of a file's text; `None`: all of a file, or a folder with what is in it.
    pub part: Option<&'static HomeFile>,
}

/// What a tool with these variables gets in that mode.
pub fn copies(home: &'static AgentHome, mode: Mode, variable: Variable) -> Vec<HomeCopy> {
    let is_for = |file: &&HomeFile| mode == Mode::Edit || file.kind != HomeFileKind::Instructions;
    let files = home.files.iter().filter(is_for).filter_map(|file| {
        let moved = home.moved_path(file.path, |name| variable(name)?.into_string().ok()).map(PathBuf::from);
        // Where a variable has moved a base directory, that is where the tool looks.
        let places = places(file.path, variable).collect::<Vec<_>>().into_iter().rev();
        let from = moved.into_iter().chain(places).find(|path| path.is_absolute() && path.is_file())?;
        Some(HomeCopy { from, to: file.path.into(), part: Some(file) })
    });
    files.collect()
}

/// Where variables have put what tools keep: it is as hidden as the home.
pub fn moved(variable: Variable) -> Vec<PathBuf> {
    let home = variable("HOME").map(PathBuf::from);
    // What has the whole home in it holds more than a tool's files.
    let is_tools = |path: &PathBuf| {
        path.is_absolute() && !home.iter().any(|home| is_around(path, std::slice::from_ref(home)))
    };
    let named = presets::ALL.iter().filter_map(|preset| preset.home.moved);
    named.filter_map(|moved| variable(moved.variable)).map(PathBuf::from).filter(is_tools).collect()
}
