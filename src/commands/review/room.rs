//! What else a request shows than the change itself, in the room that there is for it.

use crate::domain::text::escape;
use std::fmt::Write;

/// Kept free in every request to say why the answer before could not be taken, in bytes.
pub(super) const BEFORE: usize = 1000;

/// What looks like something else is listed in a request up to so many bytes.
const LOOKALIKES: usize = 2000;

/// The mark before each line that is not ours, in bytes.
const MARK: usize = 2;

/// As many of these lines as there is room for.
pub(super) fn listed(lines: &[String], of: &str) -> String {
    let mut text = String::new();
    for (count, line) in lines.iter().enumerate() {
        if text.len() + line.len() > LOOKALIKES {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "and {} more {of}", lines.len() - count);
            break;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Why the last answer could not be taken, in the room that is kept free for it.
pub(super) fn shortened(why: &str) -> String {
    let mut why = escape::for_review(why.as_bytes()).0;
    let end = why.char_indices().map(|(at, _)| at).find(|at| *at >= BEFORE / 2);
    why.truncate(end.unwrap_or(why.len()));
    why
}

/// All of a text in pieces, each of which takes so many bytes with the marks before its lines.
pub(super) fn divided(text: &str, room: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut left = 0;
    for mut line in text.split_inclusive('\n') {
        while !line.is_empty() {
            if line.len() + MARK > left && left < room {
                pieces.push(String::new());
                left = room;
            }
            // A line that is too long for any piece goes on in the next one.
            let most = left.saturating_sub(MARK).max(1);
            let end = line.len().min(line.ceil_char_boundary(most));
            let (here, rest) = line.split_at(end);
            if let Some(piece) = pieces.last_mut() {
                piece.push_str(here);
            } else {
                pieces.push(here.to_owned());
            }
            left = left.saturating_sub(here.len() + MARK);
            line = rest;
        }
    }
    pieces
}

/// Why the messages of a change's commits have no place in its requests, and the way out.
pub(super) fn too_many_words(bytes: usize, requests: usize) -> String {
    format!(
        "the messages of its commits have {bytes} bytes, more than fit into its {requests} requests beside what \
         changes: squash some of the commits, or raise review.budget in {}",
        crate::domain::config::PATH
    )
}

/// How many bytes a text takes with the marks before its lines.
pub(super) fn marked(text: &str) -> usize {
    text.len() + MARK * text.lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_all_of_a_text_and_fit() {
        let text = "one\n\ntwo and more\n".repeat(20) + &"long ".repeat(50) + "\nend";
        let pieces = divided(&text, 40);
        assert_eq!(pieces.concat(), text);
        assert!(pieces.iter().all(|piece| marked(piece) <= 40), "{pieces:?}");
        assert!(divided("", 40).is_empty());
    }
}
