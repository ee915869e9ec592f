//! Programs in a home: the folders of the `PATH`, and what those programs consist of.
//!
//! Package managers put links on the `PATH`; what they lead to is opened as far as the program needs it: its
//! package, its environment, or the file alone.

use std::fs;
use std::path::{Path, PathBuf};

/// How many links of one folder are followed.
const MOST: usize = 2_000;

/// What is opened of a folder on the `PATH`: it, and what its links lead to.
pub fn of_folder(folder: &Path) -> Vec<PathBuf> {
    let mut opened = vec![folder.to_owned()];
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MOST);
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink())) {
        // Links that lead on within the folder are in it.
        let real =
            entry.path().canonicalize().ok().filter(|real| real.is_file() && !real.starts_with(folder));
        opened.extend(real.map(|real| package(&real).unwrap_or(real)));
    }
    opened
}

/// What is opened of a program that is to be started: its folder, and what it consists of where that is
/// elsewhere.
pub fn of_program(program: &Path) -> Vec<PathBuf> {
    let Ok(real) = program.canonicalize() else { return Vec::new() };
    let folders = [program, &real].into_iter().filter_map(Path::parent).map(Path::to_owned);
    let of_links = package(&real).into_iter();
    folders.chain(of_links).chain([real.clone()]).collect()
}

/// The package or environment that a program belongs to.
fn package(program: &Path) -> Option<PathBuf> {
    let modules =
        program.ancestors().filter(|path| path.file_name().is_some_and(|name| name == "node_modules"));
    let prefix = program.parent().filter(|folder| folder.ends_with("bin")).and_then(Path::parent);
    let environment = prefix.filter(|prefix| prefix.join("pyvenv.cfg").is_file());
    modules.last().or(environment).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{of_folder, of_program, package};
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    #[test]
    fn a_program_is_opened_with_its_package_and_nothing_around_it() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for file in
            ["lib/node_modules/a/node_modules/b/cli.js", "env/bin/tool", "env/pyvenv.cfg", "private/script"]
        {
            fs::create_dir_all(home.join(file).parent().unwrap()).unwrap();
            fs::write(home.join(file), "").unwrap();
        }
        let bin = home.join("bin");
        fs::create_dir(&bin).unwrap();
        for (name, to) in [
            ("b", "../lib/node_modules/a/node_modules/b/cli.js"),
            ("tool", "../env/bin/tool"),
            ("script", "../private/script"),
            ("gone", "../nothing"),
        ] {
            symlink(to, bin.join(name)).unwrap();
        }
        let mut opened = of_folder(&bin);
        opened.sort();
        assert_eq!(opened, ["bin", "env", "lib/node_modules", "private/script"].map(|name| home.join(name)));
        let opened = of_program(&bin.join("tool"));
        assert!(opened.contains(&bin) && opened.contains(&home.join("env")), "{opened:?}");
        assert_eq!(package(Path::new("/opt/x/bin/y")), None);
    }
}
