//! A page of `docs/` as a man page: headings, paragraphs, lists, tables and code, no more of Markdown.
//!
//! A man page has no room for wide tables: each row becomes an entry, its first cell the term.

use clap_mangen::roff::{Inline, Roff, bold, roman};

/// The page, which is named `name` in section 7 and is about `about`.
pub(super) fn render(name: &str, about: &str, text: &str) -> Roff {
    let mut roff = Roff::new();
    let source = concat!("git-flow-ai ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", [name, "7", " ", source, "git flow-ai"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {about}"))]);
    roff.control("SH", ["DESCRIPTION"]);
    for block in text.split("\n\n").map(str::trim_end).filter(|block| !block.trim().is_empty()) {
        if block.starts_with("# ") {
            continue;
        } else if let Some(heading) = block.strip_prefix("## ") {
            roff.control("SH", [heading.to_uppercase().as_str()]);
        } else if let Some(heading) = block.strip_prefix("### ") {
            roff.control("SS", [heading]);
        } else if block.starts_with('|') {
            table(&mut roff, block);
        } else if block.starts_with("    ") {
            roff.control("nf", []);
            for line in block.lines() {
                roff.text([roman(line)]);
            }
            roff.control("fi", []);
        } else if block.starts_with("- ") {
            for item in format!("\n{block}").split("\n- ").skip(1) {
                roff.control("IP", ["\\(bu", "2"]);
                roff.text(inline(item));
            }
        } else {
            roff.control("PP", []);
            roff.text(inline(block));
        }
    }
    roff
}

/// The first cell is the term; the next says what becomes of it, and the others what their headings say.
fn table(roff: &mut Roff, block: &str) {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = block.lines();
    let headings = lines.next().map(cells).unwrap_or_default();
    for row in lines.filter(|line| !line.starts_with("|-")).map(cells) {
        let Some((term, rest)) = row.split_first() else { continue };
        let mut words = rest.first().cloned().unwrap_or_default();
        for (heading, cell) in headings.iter().skip(2).zip(rest.iter().skip(1)) {
            words.push_str(&format!("; {heading}: {cell}"));
        }
        roff.control("TP", []);
        roff.text([bold(term.replace('`', ""))]);
        roff.text(inline(&words));
    }
}

/// Words with their **weight** and `code`, both bold; line ends are spaces.
fn inline(text: &str) -> Vec<Inline> {
    let text = text.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace("**", "`");
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(number, part)| if number % 2 == 1 { bold(part) } else { roman(part) }).collect()
}
