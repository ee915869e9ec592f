//! Finds the real program behind the small script that a package manager puts on the PATH.
//!
//! Some of those scripts start the tool as a child and die alone on a signal, so that the tool goes on
//! working with nobody watching.

use super::real;
use std::path::{Path, PathBuf};

/// The nearest folder above the real place of a program with that name.
pub fn folder(program: &Path, name: &str) -> Option<PathBuf> {
    let real = real(program);
    real.ancestors()
        .skip(1)
        .find(|folder| folder.file_name().is_some_and(|own| own == name))
        .map(Path::to_owned)
}

/// The system and the processor as npm's packages write them.
pub fn platform() -> String {
    let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{processor}")
}
