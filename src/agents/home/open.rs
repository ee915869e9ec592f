//! What of the user's homes is opened to be read, and where those homes are.

use super::toolchains::is_around;
use super::{Variable, programs, toolchains};
use std::env;
use std::path::{Path, PathBuf};

/// What of them is opened.
#[derive(Debug, Clone, Default)]
pub struct Opened {
    pub homes: Vec<PathBuf>,
    pub paths: Vec<PathBuf>,
}

/// The user's homes among these, where they really are. The whole file system is not a home: then nothing can
/// be put in its place.
pub fn user_homes(candidates: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let real = candidates.into_iter().filter_map(|path| path.canonicalize().ok());
    let mut homes: Vec<PathBuf> = Vec::new();
    for home in real.filter(|path| path.is_dir() && path.parent().is_some()) {
        if !homes.contains(&home) {
            homes.push(home);
        }
    }
    homes
}

impl Opened {
    /// For a program with these variables.
    pub fn new(homes: Vec<PathBuf>, program: &Path, variable: Variable) -> Opened {
        let path = variable("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
        let is_in_home = |path: &Path| homes.iter().any(|home| path.starts_with(home));
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let on_path = folders
            .filter(|folder| is_in_home(&real(folder)))
            .flat_map(|folder| programs::of_folder(&folder));
        let all =
            toolchains::all(&homes, variable).into_iter().chain(on_path).chain(programs::of_program(program));
        // A program that lies in the home itself opens only itself.
        let paths = all.filter(|path| !is_around(path, &homes)).collect();
        Opened { homes, paths }
    }
}
