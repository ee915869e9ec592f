//! aider.
//!
//! It has no event stream: what it prints is for people, and its exit status is 0 even when its key is
//! refused. What it says at the end of a good answer is how many tokens that took; a fault after that,
//! or none of it at all, is not a success. The answer alone is in its chat history, which is kept in a
//! folder of ours and vanishes with it.

use super::home::plain;
use super::{
    AgentHome, Call, EventReader, FinalEvent, Invocation, Observed, Phrases, Preset, Reading, Tested,
    as_found,
};
use crate::domain::error::Result;
use crate::domain::event::Usage;
use std::process::ExitStatus;

pub const PRESET: Preset = Preset {
    name: "aider",
    is_coined: true,
    program: "aider",
    vendor: None,
    install: "python -m pip install aider-install && aider-install",
    tested: Tested::OnRequest,
    addresses: &["aider@aider.chat", "noreply@aider.chat"],
    name_suffix: Some("(aider)"),
    home: AgentHome {
        files: &[
            plain(".aider/oauth-keys.env"),
            plain(".aider.conf.yml"),
            plain(".aider.model.settings.yml"),
            plain(".aider.model.metadata.json"),
        ],
        seed: None,
        moved: None,
        renewal: None,
    },
    env: &["AIDER_*", "*_API_KEY", "*_API_BASE", "*_BASE_URL"],
    marks: &[],
    phrases: Phrases::NONE,
    direct: as_found,
    needs_folder: true,
    reading: Reading::RequestAlone("it reads only files that it is told of"),
    instructions: &[
        ".aider.conf.yml",
        ".aider.model.settings.yml",
        ".aider.model.metadata.json",
        ".aiderignore",
    ],
    report: Some(CHAT),
    invoke,
    reader: |_| Box::new(Aider::default()),
};

/// The file, in a folder of ours, that it keeps its chat in.
const CHAT: &str = "chat";

/// Always: no questions, no commits, no colours, no calls home.
const SWITCHES: &[&str] = &[
    "--yes-always",
    "--no-auto-commits",
    "--no-dirty-commits",
    "--no-gitignore",
    "--no-check-update",
    "--no-show-release-notes",
    "--no-show-model-warnings",
    "--no-pretty",
    "--no-stream",
    "--no-detect-urls",
    "--no-suggest-shell-commands",
    "--analytics-disable",
    // Its map of the repository is kept in the worktree, where it would be taken for work.
    "--map-tokens=0",
];

fn invoke(call: &Call, invocation: &mut Invocation) -> Result<()> {
    invocation.files.push(("prompt", call.prompt.to_owned()));
    invocation.reads_prompt = false;
    invocation.args(SWITCHES);
    for (option, name) in
        [("--message-file", "prompt"), ("--chat-history-file", CHAT), ("--input-history-file", "input")]
    {
        invocation.args.extend([option.into(), call.folder.join(name).into_os_string()]);
    }
    invocation.model(call, "--model");
    invocation.config_args(call);
    if !call.edits() {
        // Last, because its last word on the edit format counts, and a chat mode is one of them. In a
        // folder without a repository it would make one.
        invocation.args(&["--chat-mode", "ask", "--no-git"]);
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Aider {
    used: Usage,
}

impl EventReader for Aider {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        if let Some(tokens) = line.trim().strip_prefix("Tokens: ") {
            self.used = self.used.plus(used(tokens));
            observed.fault = None;
            observed.used(self.used);
            observed.final_event = Some(FinalEvent::Answered);
        } else if let Some(file) = line.strip_prefix("Applied edit to ") {
            let text = std::mem::take(&mut observed.text);
            observed.tool("edit", &file.into());
            observed.text = text;
        } else if is_fault(line) {
            observed.final_event = None;
            observed.retries(line);
        } else if line.starts_with("Retrying in ") {
            observed.aside(line);
        } else {
            observed.aside(line);
            observed.adds_line(line);
        }
    }

    fn ended(&mut self, status: ExitStatus, report: &[u8], observed: &mut Observed) {
        if !status.success() && observed.final_event == Some(FinalEvent::Answered) {
            observed.final_event = None;
        }
        observed.text = answer(&String::from_utf8_lossy(report));
    }
}

/// Faults that it prints as text, its own and those of the library that it asks models with.
fn is_fault(line: &str) -> bool {
    const PHRASES: &[&str] = &[
        "litellm.",
        "The API provider",
        "Empty response received",
        "has hit a token limit",
        "Unable to authenticate",
        "API error",
    ];
    PHRASES.iter().any(|phrase| line.contains(phrase))
}

/// `2.1k sent, 107 received. Cost: $0.01 message, $0.02 session.`
fn used(tokens: &str) -> Usage {
    let number = |word: &str| -> f64 {
        let (digits, factor) = match word.strip_suffix('k') {
            Some(digits) => (digits, 1000.0),
            None => word.strip_suffix('M').map_or((word, 1.0), |digits| (digits, 1_000_000.0)),
        };
        digits.replace(',', "").parse::<f64>().unwrap_or_default() * factor
    };
    let before = |unit: &str| -> u64 {
        let word = tokens.split_once(unit).and_then(|(before, _)| before.rsplit(' ').next());
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let count = number(word.unwrap_or_default()) as u64;
        count
    };
    let cost = tokens.split_once("Cost: $").and_then(|(_, rest)| rest.split_once(" message")?.0.parse().ok());
    Usage { input_tokens: before(" sent"), output_tokens: before(" received"), cost }
}

/// The last answer in a chat history: what follows the person's lines (`####`) and is not aider's own
/// (`>`).
fn answer(chat: &str) -> String {
    let lines: Vec<&str> = chat.lines().collect();
    let begin = lines
        .iter()
        .rposition(|line| line.starts_with("#### ") || *line == "####")
        .map_or(0, |last| last + 1);
    let own = |line: &&&str| !line.starts_with("> ") && **line != ">";
    let text: Vec<&str> = lines[begin..].iter().filter(own).copied().collect();
    text.join("\n").trim().to_owned()
}
