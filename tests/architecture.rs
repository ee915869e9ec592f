//! The house stays as lib.rs draws it: rooms import downwards, nothing runs in a circle, files stay small.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module by its path below the crate: `["gate", "store", "refs"]`.
type Module = Vec<String>;

/// Each module's file, and the modules of this crate that its code names.
struct House {
    files: BTreeMap<Module, PathBuf>,
    imports: BTreeMap<Module, BTreeSet<Module>>,
}

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

/// The rooms from the top down, from the table in lib.rs.
fn rooms() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | [`"));
    let rooms: Vec<String> = rows.map(|row| row.split("`]").next().unwrap().to_owned()).collect();
    assert_eq!(rooms, ["ui", "commands", "agents", "gate", "system", "domain"], "lib.rs draws the six rooms");
    rooms
}

impl House {
    fn read() -> House {
        let src = root().join("src");
        let module = |file: &Path| -> Module {
            let path = file.strip_prefix(&src).unwrap().with_extension("");
            let mut parts: Module = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            parts.pop_if(|last| last == "mod");
            parts
        };
        let outside: [Module; 2] = [vec!["lib".into()], vec!["main".into()]];
        let files: BTreeMap<Module, PathBuf> = rust_files(&src)
            .into_iter()
            .map(|file| (module(&file), file))
            .filter(|(module, _)| !outside.contains(module))
            .collect();
        let mut imports = BTreeMap::new();
        for (module, file) in &files {
            let children = files.keys().filter(|other| other.len() == module.len() + 1);
            let children = children.filter(|other| other.starts_with(module)).cloned().collect();
            let mut names = Names { module, children, found: BTreeSet::new() };
            names.read(code(file));
            // `crate::a::b::Type` names the deepest of a, a::b that is a module.
            let deepest = |path: &Module| {
                (1..=path.len()).rev().map(|end| path[..end].to_vec()).find(|path| files.contains_key(path))
            };
            let found = names.found.iter().filter_map(deepest).filter(|found| found != module).collect();
            imports.insert(module.clone(), found);
        }
        House { files, imports }
    }

    fn name(&self, module: &Module) -> String {
        self.files[module].strip_prefix(root()).unwrap().display().to_string()
    }

    /// Every import, from and to.
    fn arrows(&self) -> impl Iterator<Item = (&Module, &Module)> {
        self.imports.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
    }

    /// All that these modules need, themselves included. A parent is needed only where it is named: a
    /// `mod.rs` that hands names on counts with what they come from.
    fn closure(&self, start: impl Iterator<Item = Module>) -> BTreeSet<Module> {
        let mut open: Vec<Module> = start.collect();
        let mut seen: BTreeSet<Module> = open.iter().cloned().collect();
        while let Some(module) = open.pop() {
            let new = self.imports[&module].iter().filter(|next| seen.insert((*next).clone()));
            open.extend(new.cloned());
        }
        seen
    }
}

/// A file's code: tokens know no comments, so only its own unit tests have to be left out.
fn code(file: &Path) -> TokenStream {
    let text = fs::read_to_string(file).unwrap();
    text.split("#[cfg(test)]\nmod tests").next().unwrap().parse().unwrap()
}

/// Collects the paths of this crate that code names, in `use` and anywhere else, macros included.
struct Names<'a> {
    module: &'a Module,
    children: BTreeSet<Module>,
    found: BTreeSet<Module>,
}

impl Names<'_> {
    fn read(&mut self, code: TokenStream) {
        let tokens: Vec<TokenTree> = code.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.read(group.stream()),
                // `#[serde(default = "crate::…")]`
                TokenTree::Literal(text) if text.to_string().starts_with("\"crate::") => {
                    self.read(text.to_string().trim_matches('"').parse().unwrap());
                }
                TokenTree::Ident(word) if leads(&tokens, at) && !follows(&tokens, at) => {
                    if let Some(start) = self.start(&word.to_string()) {
                        at += self.path(&tokens[at + 1..], start);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Where a path that begins with that word leads; `None` if it leaves this crate.
    fn start(&self, word: &str) -> Option<Module> {
        let parent = || self.module[..self.module.len() - 1].to_vec();
        match word {
            "crate" => Some(Vec::new()),
            "self" => Some(self.module.clone()),
            "super" => Some(parent()),
            _ => {
                let child: Module = self.module.iter().cloned().chain([word.to_owned()]).collect();
                self.children.contains(&child).then_some(child)
            }
        }
    }

    /// Follows a path behind its first word, into groups; returns how many tokens it took.
    fn path(&mut self, rest: &[TokenTree], mut path: Module) -> usize {
        let mut at = 0;
        while is_colons(rest, at) {
            match rest.get(at + 2) {
                Some(TokenTree::Ident(word)) if word == "super" => _ = path.pop(),
                Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                    for item in tokens.split(is_comma) {
                        let Some(TokenTree::Ident(word)) = item.first() else { continue };
                        let mut inner = path.clone();
                        if word != "self" {
                            inner.push(word.to_string());
                        }
                        self.path(&item[1..], inner);
                    }
                    return at + 2;
                }
                _ => break,
            }
            at += 3;
        }
        self.found.insert(path);
        at
    }
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    colon(at) && colon(at + 1)
}

/// Whether a path goes on behind that word.
fn leads(tokens: &[TokenTree], at: usize) -> bool {
    is_colons(tokens, at + 1)
}

/// Whether that word continues a path.
fn follows(tokens: &[TokenTree], at: usize) -> bool {
    at >= 2 && is_colons(tokens, at - 2)
}

/// The circles of a graph: sets of nodes that all reach each other.
fn circles<T: Ord + Clone>(arrows: &BTreeMap<T, BTreeSet<T>>) -> Vec<BTreeSet<T>> {
    let reached = |start: &T| {
        let mut open = vec![start.clone()];
        let mut seen = BTreeSet::new();
        while let Some(node) = open.pop() {
            let new = arrows.get(&node).into_iter().flatten().filter(|next| seen.insert((*next).clone()));
            open.extend(new.cloned());
        }
        seen
    };
    let reach: BTreeMap<&T, BTreeSet<T>> = arrows.keys().map(|node| (node, reached(node))).collect();
    let mut found: Vec<BTreeSet<T>> = Vec::new();
    for (node, reaches) in reach.iter().filter(|(node, reaches)| reaches.contains(**node)) {
        if !found.iter().any(|circle| circle.contains(*node)) {
            let back =
                reaches.iter().filter(|other| reach.get(other).is_some_and(|back| back.contains(*node)));
            found.push(back.cloned().collect());
        }
    }
    found
}

fn graph<T: Ord + Clone>(arrows: impl Iterator<Item = (T, T)>) -> BTreeMap<T, BTreeSet<T>> {
    let mut graph: BTreeMap<T, BTreeSet<T>> = BTreeMap::new();
    for (from, to) in arrows {
        graph.entry(from).or_default().insert(to);
    }
    graph
}

#[test]
fn rooms_import_downwards_only() {
    let house = House::read();
    let rooms = rooms();
    let depth = |module: &Module| {
        let at = rooms.iter().position(|room| *room == module[0]);
        at.unwrap_or_else(|| panic!("lib.rs's table does not name `{}`", module[0]))
    };
    let upwards = house.arrows().filter(|(from, to)| depth(to) < depth(from));
    let upwards: Vec<String> =
        upwards.map(|(from, to)| format!("{} uses {}", house.name(from), house.name(to))).collect();
    assert!(upwards.is_empty(), "{upwards:#?}");
}

#[test]
fn no_two_modules_of_a_room_import_each_other_in_a_circle() {
    let house = House::read();
    let module = |path: &Module| path[..path.len().min(2)].to_vec();
    let between = house.arrows().map(|(from, to)| (module(from), module(to)));
    let between = between.filter(|(from, to)| from != to && from.len() == 2 && to.len() == 2);
    let found = circles(&graph(between));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_two_files_import_each_other_in_a_circle() {
    let house = House::read();
    // A module and what lies below it are one thing that was cut into files.
    let apart = |from: &Module, to: &Module| !from.starts_with(to) && !to.starts_with(from);
    let arrows = house.arrows().filter(|(from, to)| apart(from, to));
    let found = circles(&graph(arrows.map(|(from, to)| (house.name(from), house.name(to)))));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_gate_can_be_embedded() {
    let house = House::read();
    let gate = house.imports.keys().filter(|module| module[0] == "gate").cloned();
    let heavy = ["tokio", "reqwest", "clap", "indicatif", "console", "anstream"];
    let mut names = Vec::new();
    for module in house.closure(gate) {
        let text = code(&house.files[&module]).to_string();
        let named = |library: &&str| text.contains(&format!("{library} ::"));
        names.extend(
            heavy
                .iter()
                .filter(|library| named(library))
                .map(|library| format!("{} uses {library}", house.name(&module))),
        );
    }
    assert!(names.is_empty(), "{names:#?}");
}

#[test]
fn only_the_store_reads_and_writes_the_repository_by_gix() {
    for (module, file) in House::read().files {
        if module.starts_with(&["gate".into(), "store".into()]) {
            continue;
        }
        let code = code(&file).to_string();
        for named in code.split("gix :: ").skip(1) {
            // Ids are what all rooms talk about.
            let is_id = named.starts_with("ObjectId") || named.starts_with("hash :: Kind");
            assert!(is_id, "{} uses gix::{}", file.display(), named.lines().next().unwrap_or_default());
        }
    }
}

#[test]
fn one_place_starts_git() {
    // A program of its own, which knows nothing of the library.
    let outside = ["system/git", "commands/init/reference_transaction.rs"];
    for (_, file) in House::read().files {
        let path = file.strip_prefix(root().join("src")).unwrap();
        if !outside.iter().any(|outside| path.starts_with(outside)) {
            let code = code(&file).to_string();
            assert!(!code.contains(r#"Command :: new ("git")"#), "{} starts git itself", file.display());
        }
    }
}

#[test]
fn the_import_reader_sees_every_form() {
    let here: Module = vec!["gate".into(), "store".into()];
    let children = BTreeSet::from([vec!["gate".into(), "store".into(), "refs".into()]]);
    let mut names = Names { module: &here, children, found: BTreeSet::new() };
    let code = r#"
        use crate::domain::{error::{Exit, Result}, spec};
        use super::signing::{self, Key as SigningKey};
        pub use refs::Ref;
        fn f() -> crate::agents::Agent { format!("{}", self::refs::read(super::super::ui::out())) }
        // crate::nothing
        #[serde(with = "crate::domain::event")]
    "#;
    names.read(code.parse().unwrap());
    let found: Vec<String> = names.found.iter().map(|path| path.join("::")).collect();
    let expected = [
        "agents::Agent",
        "domain::error::Exit",
        "domain::error::Result",
        "domain::event",
        "domain::spec",
        "gate::signing",
        "gate::signing::Key",
        "gate::store::refs::Ref",
        "gate::store::refs::read",
        "ui::out",
    ];
    assert_eq!(found, expected);
}

#[test]
fn circles_are_found() {
    let arrows = [(1, 2), (2, 3), (3, 1), (3, 4), (4, 5)];
    assert_eq!(circles(&graph(arrows.into_iter())), [BTreeSet::from([1, 2, 3])]);
}

#[test]
fn every_file_that_the_page_names_is_there() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let files: Vec<String> = rust_files(&root().join("src"))
        .iter()
        .map(|file| format!("/{}", file.strip_prefix(root().join("src")).unwrap().display()))
        .collect();
    let mut named = 0;
    for name in page.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs")) {
        // A walk names the folder once, and then its files.
        let is_there = files.iter().any(|file| file.ends_with(&format!("/{name}")));
        let is_elsewhere = root().join(name).exists();
        assert!(is_there || is_elsewhere || name.contains('X'), "docs/architecture.md names `{name}`");
        named += 1;
    }
    assert!(named > 20, "the page names files between backticks");
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
        let code = code(&file).to_string();
        for name in ["println !", "print !", "eprintln !", "eprint !"] {
            assert!(
                !code.contains(name),
                "{} uses {name}; use report::out() or report::err()",
                file.display()
            );
        }
    }
}
