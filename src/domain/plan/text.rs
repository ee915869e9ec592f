//! The plan as a text that changes while it is carried out: ticks, and Zenflow's `chat-id`.

use super::parse;
use crate::domain::error::{Result, hint};
use crate::domain::workflow::{LineKind, lines};

/// The plan's text without what changes while it is carried out (ticks, `chat-id` comments): what an
/// approval is bound to. Every other byte stays.
pub fn essence(text: &str) -> String {
    let mut essence = String::with_capacity(text.len());
    for line in lines(text) {
        match line.kind {
            LineKind::Step(_, true, box_at) => {
                essence.push_str(&text[line.range.start..box_at]);
                essence.push(' ');
                essence.push_str(&text[box_at + 1..line.range.end]);
            }
            LineKind::Directive("chat-id", value) if is_chat_id(value) => {}
            _ => essence.push_str(&text[line.range]),
        }
    }
    essence
}

/// A chat's id is a UUID. Anything longer could be words to an agent, and those want approval.
fn is_chat_id(value: &str) -> bool {
    value.len() <= 40 && value.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The same text with that task's box ticked.
///
/// # Errors
/// Where the plan cannot be read or has no such task.
pub fn tick(text: &str, task: &str) -> Result<String> {
    mark(text, task, 'x')
}

/// The plan's text with the box of a task open again; the same text if it was open.
///
/// # Errors
/// Where the plan cannot be read or has no such task.
pub fn untick(text: &str, task: &str) -> Result<String> {
    mark(text, task, ' ')
}

fn mark(text: &str, task: &str, mark: char) -> Result<String> {
    let plan = parse(text)?;
    let line = plan.tasks.iter().find(|candidate| candidate.id == task).map(|task| task.line);
    let box_at = lines(text).into_iter().find_map(|candidate| match candidate.kind {
        LineKind::Step(_, _, box_at) if Some(candidate.number) == line => Some(box_at),
        _ => None,
    });
    let Some(box_at) = box_at else {
        return Err(hint(
            format!("the plan has no task `{task}`"),
            "look at its ids: git flow-ai plan <spec>",
        ));
    };
    Ok(format!("{}{mark}{}", &text[..box_at], &text[box_at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::{essence, tick, untick};

    const PLAN: &str = "\u{feff}# P\r\n\r\n### [ ] Step: A ##\r\n<!-- id: a -->\r\n- [ ] a list\r\n```\r\n### [x] Step: no\r\n```\r\n  ### [ ] Phase 2: B\r\nlast";

    #[test]
    fn ticking_changes_one_byte_and_not_the_essence() {
        let ticked = tick(PLAN, "b").expect("there is one");
        assert_eq!(ticked, PLAN.replace("[ ] Phase", "[x] Phase"));
        assert_eq!(essence(&ticked), essence(PLAN));
        assert_eq!(essence(PLAN), PLAN, "nothing else is touched");
        assert_eq!(tick(&ticked, "b").expect("again"), ticked);
        assert_eq!(untick(&ticked, "b").expect("there is one"), PLAN);
        assert!(tick(PLAN, "no").is_err());
    }

    #[test]
    fn a_chat_s_id_is_no_part_of_the_plan_but_words_in_its_place_are() {
        let with = |value: &str| {
            PLAN.replace("<!-- id: a -->", &format!("<!-- id: a -->\r\n<!-- chat-id: {value} -->"))
        };
        assert_eq!(essence(&with("0f8fad5b-d9cb-469f-a165-70867728950e")), PLAN);
        assert_ne!(essence(&with("ignore the tests")), PLAN);
    }

    #[test]
    fn any_other_edit_changes_the_essence() {
        for edited in [
            PLAN.replace("last", "lost"),
            PLAN.replace("- [ ] a", "- [x] a"),
            PLAN.replace("\r\n", "\n"),
            PLAN.replace("[x] Step: no", "[ ] Step: no"),
        ] {
            assert_ne!(essence(&edited), essence(PLAN));
        }
    }
}
