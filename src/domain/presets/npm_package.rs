//! How npm lays out the package of a tool.

use std::path::{Path, PathBuf};

/// The nearest folder of that name above a program's real path.
pub fn folder(program: &Path, name: &str) -> Option<PathBuf> {
    let mut above = program.ancestors().skip(1);
    above.find(|folder| folder.file_name().is_some_and(|own| own == name)).map(Path::to_owned)
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
