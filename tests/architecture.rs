//! The house stays as lib.rs draws it: imports go downwards, files stay small, each says what it is.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The module that a file belongs to: `store` for `src/store/trees.rs`.
fn module(file: &Path) -> String {
    let path = file.strip_prefix(root().join("src")).unwrap();
    let first = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Each module's height, from the table in lib.rs: the first row is the highest.
fn layers() -> HashMap<String, usize> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let rows: Vec<&str> =
        text.lines().filter(|line| line.starts_with("//! | ") && line.contains("[`")).collect();
    assert_eq!(rows.len(), 4, "lib.rs has a table of four layers");
    let mut layers = HashMap::new();
    for (depth, row) in rows.iter().enumerate() {
        for name in row.split("[`").skip(1).map(|rest| rest.split("`]").next().unwrap()) {
            layers.insert(name.to_owned(), rows.len() - depth);
        }
    }
    layers
}

/// The modules that a line of code names: `crate::a::…`, `crate::{a, b::c}`.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let word =
            |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match rest.strip_prefix('{') {
            Some(group) => {
                let (mut depth, mut item) = (0, String::new());
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => names.push(std::mem::take(&mut item)),
                        _ => item.push(c),
                    }
                }
                names.push(item);
            }
            None => names.push(word(rest)),
        }
    }
    names.iter().map(|name| name.trim().split("::").next().unwrap_or_default().to_owned()).collect()
}

/// A file's code without comments and without its own unit tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn imports_go_downwards_only() {
    let layers = layers();
    let mut upwards = Vec::new();
    for file in rust_files(&root().join("src")) {
        let own = module(&file);
        if own == "lib" || own == "main" {
            continue;
        }
        let height = *layers.get(&own).unwrap_or_else(|| panic!("lib.rs's table does not name `{own}`"));
        for name in named(&code(&file)) {
            if layers.get(&name).is_some_and(|other| *other > height) {
                upwards.push(format!("{} uses {name}", file.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(upwards.is_empty(), "{upwards:#?}");
}

#[test]
fn the_import_reader_sees_every_form() {
    assert_eq!(named("use crate::{error::{Exit, Result}, report};"), ["error", "report"]);
    assert_eq!(named("use crate::store::Repo; crate::cli::run()"), ["store", "cli"]);
}

#[test]
fn no_file_outgrows_what_a_person_reads_at_one_sitting() {
    let mut long = Vec::new();
    for file in rust_files(&root().join("src")) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        if lines > 400 {
            long.push(format!("{}: {lines} lines", file.strip_prefix(root()).unwrap().display()));
        }
    }
    assert!(long.is_empty(), "split these: {long:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in rust_files(&root().join("src")).into_iter().chain(rust_files(&root().join("tests"))) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} has no header", file.display());
    }
}

#[test]
fn nothing_prints_past_the_writers_that_forgive_a_closed_pipe() {
    for file in rust_files(&root().join("src")) {
        let code = code(&file);
        for macro_name in ["println!", "print!", "eprintln!", "eprint!"] {
            let bare = code.split(macro_name).count() > 1;
            assert!(!bare, "{} uses {macro_name}; use report::out() or report::err()", file.display());
        }
    }
}
