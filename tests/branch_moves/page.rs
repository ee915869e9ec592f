//! The page `docs/gate.md` and the tables that are tried say the same.

use super::row::{Judged, Outcome, Row};
use super::{elsewhere, local, rebase, unseen};
use std::fs;
use std::path::Path;

fn words(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused => "refused, nothing touched".into(),
        Outcome::Back(command) => format!("refused; back by `{command}`"),
        Outcome::Free => "free".into(),
        Outcome::Unseen => "**not seen**".into(),
        Outcome::Server => "**only the server**".into(),
    }
}

/// A row as the page has it.
fn line(row: &Row) -> String {
    let unjudged = match row.from {
        Some(((major, minor), outcome)) => {
            format!("{}; from git {major}.{minor}: {}", words(row.unjudged), words(outcome))
        }
        None => words(row.unjudged),
    };
    let judged = match (row.unjudged, row.judged) {
        (Outcome::Free, _) => "free",
        (_, Judged::Passes) => "passes",
        (_, Judged::Never) => "never",
    };
    let since = match row.since {
        (0, 0) => String::new(),
        (major, minor) => format!(" (git {major}.{minor})"),
    };
    format!("| {}{since} | {unjudged} | {judged} |\n", row.operation)
}

#[test]
fn the_page_on_the_gate_says_what_is_tried() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gate.md");
    let page = fs::read_to_string(&path).unwrap();
    let mut mended = page.clone();
    for (heading, rows) in [
        ("Git's own commands", local::ROWS),
        ("Rebase", rebase::ROWS),
        ("Pushes", elsewhere::ROWS),
        ("What no hook sees", unseen::ROWS),
    ] {
        let table: String = rows.iter().map(line).collect();
        let table = format!("| operation | nobody has judged it | after a review |\n|---|---|---|\n{table}");
        let start = format!("### {heading}\n\n");
        let (before, rest) = mended.split_once(&start).unwrap_or_else(|| panic!("no heading {heading}"));
        let old: usize =
            rest.split_inclusive('\n').take_while(|line| line.starts_with('|')).map(str::len).sum();
        mended = format!("{before}{start}{table}\n{}", rest[old..].trim_start_matches('\n'));
    }
    if std::env::var_os("MEND_PAGES").is_some() {
        fs::write(&path, &mended).unwrap();
    }
    assert!(page == mended, "docs/gate.md says otherwise; MEND_PAGES=1 cargo test writes its tables anew");
}
