//! The page `docs/sandbox.md` and the tables that are tried say the same.

use super::attacks::TABLES;
use super::row::{Attack, Held};
use std::fs;
use std::path::Path;

/// What holds it: by bubblewrap, by Landlock, by neither.
fn words(held: Held) -> [&'static str; 3] {
    match held {
        Held::Always => ["held", "held", "held"],
        Held::Sandbox => ["held", "held", "no"],
        Held::Bubblewrap => ["held", "**no**", "no"],
        Held::Landlock => ["**no**", "held", "no"],
        Held::Nobody => ["**no**", "**no**", "no"],
    }
}

fn line(attack: &Attack) -> String {
    let [bubblewrap, landlock, neither] = words(attack.held);
    let told = if attack.told.is_empty() { String::new() } else { format!("…{}…", attack.told) };
    format!("| {} | {bubblewrap} | {landlock} | {neither} | {told} |\n", attack.tries)
}

#[test]
fn the_page_on_the_sandbox_says_what_is_tried() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sandbox.md");
    let page = fs::read_to_string(&path).unwrap();
    let mut mended = page.clone();
    for (heading, tables) in TABLES {
        let rows: String = tables.iter().flat_map(|table| table.iter()).map(line).collect();
        let table = format!(
            "| an agent tries to | bubblewrap | Landlock | neither | the report says |\n|---|---|---|---|---|\n{rows}"
        );
        let start = format!("### {heading}\n\n");
        let (before, rest) = mended.split_once(&start).unwrap_or_else(|| panic!("no heading {heading}"));
        let old: usize =
            rest.split_inclusive('\n').take_while(|line| line.starts_with('|')).map(str::len).sum();
        mended = format!("{before}{start}{table}\n{}", rest[old..].trim_start_matches('\n'));
    }
    if std::env::var_os("MEND_PAGES").is_some() {
        fs::write(&path, &mended).unwrap();
    }
    assert!(page == mended, "docs/sandbox.md says otherwise; MEND_PAGES=1 cargo test writes its tables anew");
}
