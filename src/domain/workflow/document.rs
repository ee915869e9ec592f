//! Which document a Zenflow step produces, read off its instruction.
//!
//! Zenflow has no directive for it: "Save the findings to `{@artifacts_path}/investigation.md`" says
//! it in prose, and "Based on `{@artifacts_path}/spec.md`, build …" names a document that is only to
//! be read. Of the words before the name, the nearest one that tells writing from reading decides.

use super::ARTIFACTS;

/// Words after which a document is written.
const WRITE: &[&str] = &[
    "save",
    "write",
    "create",
    "record",
    "store",
    "put",
    "draft",
    "produce",
    "output",
    "capture",
    "collect",
    "summarise",
    "summarize",
    "list",
    "document",
    "note",
    "propose",
    "generate",
];

/// Words after which a document is read.
const READ: &[&str] = &[
    "read",
    "see",
    "per",
    "according",
    "follow",
    "from",
    "based",
    "described",
    "defined",
    "specified",
    "outlined",
    "listed",
    "documented",
    "noted",
    "execute",
    "refer",
    "using",
    "against",
    "update",
];

/// The documents that an instruction says to write, in order.
pub fn written(instruction: &str) -> impl Iterator<Item = &str> {
    instruction.match_indices(ARTIFACTS).filter_map(|(at, _)| {
        let name = file_name(&instruction[at + ARTIFACTS.len()..])?;
        is_written(&instruction[..at]).then_some(name)
    })
}

/// `NAME.md` of `/NAME.md…`.
fn file_name(after: &str) -> Option<&str> {
    let rest = after.strip_prefix('/')?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    let name = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
    is_document_name(name).then_some(name)
}

/// Whether a spec can have a document of that name: a Markdown file in no folder.
pub fn is_document_name(name: &str) -> bool {
    name.len() > ".md".len()
        && name.ends_with(".md")
        && !name.starts_with(['.', '-'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Whether the words before a document's name tell to write it.
fn is_written(before: &str) -> bool {
    let paragraph = before.rfind("\n\n").map_or(before, |at| &before[at..]);
    // From the name back to the beginning of its sentence.
    let words: Vec<String> = paragraph
        .split_whitespace()
        .rev()
        .take_while(|word| !(word.ends_with(['.', '!', '?', ';']) && word.len() > 2))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let is_one_of = |word: &String, list: &[&str]| list.contains(&word.as_str());
    // "Save the notes from the survey to NAME": here the writing word may be farther than a reading one.
    let goes_into = words.first().is_some_and(|word| is_one_of(word, &["to", "into", "as"]));
    let is_told_otherwise = words.get(1).is_some_and(|word| is_one_of(word, READ));
    if goes_into && !is_told_otherwise {
        return words.iter().any(|word| is_one_of(word, WRITE));
    }
    let telling = words.iter().find(|word| is_one_of(word, WRITE) || is_one_of(word, READ));
    telling.is_some_and(|word| is_one_of(word, WRITE))
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn a_document_to_write_is_told_from_one_to_read() {
        for (instruction, expected) in [
            ("List outdated crates and breaking notes in `{@artifacts_path}/survey.md`.", &["survey.md"][..]),
            ("Save findings to `{@artifacts_path}/investigation.md` with:\n- cause", &["investigation.md"]),
            ("Save the PRD to `{@artifacts_path}/requirements.md`.", &["requirements.md"]),
            (
                "Create a specification based on the PRD in `{@artifacts_path}/requirements.md`.\n\nSave to `{@artifacts_path}/spec.md`.",
                &["spec.md"],
            ),
            ("Based on `{@artifacts_path}/spec.md`, write `{@artifacts_path}/plan.md`", &["plan.md"]),
            ("Build the endpoints described in {@artifacts_path}/spec.md", &[]),
            ("Create a module as per `{@artifacts_path}/spec.md`.", &[]),
            ("Do not change {@artifacts_path}/spec.md", &[]),
            ("Create tests according to {@artifacts_path}/spec.md", &[]),
            (
                "Save the implementation plan based on the specification to\n`{@artifacts_path}/plan.md`",
                &["plan.md"],
            ),
            ("Save the notes from the survey to `{@artifacts_path}/notes.md`", &["notes.md"]),
            ("Read `{@artifacts_path}/investigation.md` and mend it", &[]),
            ("Write tests. `{@artifacts_path}/spec.md` has the cases.", &[]),
            ("Save it to {@artifacts_path}/../../etc/passwd.md and {@artifacts_path}/notes.txt", &[]),
        ] {
            assert_eq!(written(instruction).collect::<Vec<_>>(), expected, "{instruction}");
        }
    }
}
