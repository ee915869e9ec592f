//! What the main man page says beyond what clap knows: exit statuses, environment, files.

/// Heading, then terms with their meanings.
pub type Section = (&'static str, &'static [(&'static str, &'static str)]);

/// The sections of `git-flow-ai(1)` after the examples.
pub const SECTIONS: &[Section] = &[
    (
        "EXIT STATUS",
        &[
            ("0", "Yes, done."),
            ("1", "No: refused, or some task failed."),
            ("2", "Could not tell or could not do: usage, environment, no reviewer. Never an approval."),
            ("130", "Interrupted; running again goes on."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            (
                "ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY",
                "Keys for reviewers behind an API, under these names unless the reviewer's key_env says another. Their values, and those of other variables whose name says that they hold a secret, are redacted from all that is written and shown.",
            ),
            ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "Proxies for reviewers behind an API."),
            ("EDITOR, VISUAL, GIT_EDITOR", "The editor for documents, chosen as git chooses it."),
            ("NO_COLOR", "No colours."),
            (
                "GIT_FLOW_AI_MODE, GIT_FLOW_AI_SPEC, GIT_FLOW_AI_TASK, GIT_FLOW_AI_ATTEMPT",
                "Set for agents and reviewers: edit or review, the spec's short name, the task's id, the attempt.",
            ),
            ("XDG_CONFIG_HOME, XDG_STATE_HOME", "Where the person's own config and list are, see FILES."),
        ],
    ),
    (
        "FILES",
        &[
            (
                ".zenflow/config.toml",
                "Agents, reviewers, how runs go, what the gate demands. Read from the target branch's tip.",
            ),
            (".zenflow/workflows/*.md", "The team's own workflows, in Zenflow's format."),
            (".zenflow/settings.json", "Zenflow's settings, for what the config leaves unsaid."),
            (
                "$XDG_CONFIG_HOME/git-flow-ai/config.toml",
                "The person's own agents and reviewers, and which commands print keys. It cannot loosen the gate.",
            ),
            (
                "$XDG_STATE_HOME/git-flow-ai/trust",
                "What the person trusts of what repositories bring, see git-flow-ai-trust(1).",
            ),
            ("refs/heads/flow/<spec>/spec", "A spec's documents and approvals; never checked out."),
            ("refs/heads/flow/<spec>/<task>", "An agent's work, committed by us."),
            ("refs/heads/flow/<spec>/result", "The tasks merged in order: what is merged into the target."),
            ("refs/notes/flow-ai", "Verdicts, one record per line."),
            (
                "refs/notes/flow-ai-log",
                "The same for people, a line each, as git log shows it after init. Made from the former, and not shared.",
            ),
            ("<common git dir>/flow-ai/", "Run journals, transcripts, locks. Local and disposable."),
        ],
    ),
    (
        "SEE ALSO",
        &[
            ("git-flow-ai-gate(7)", "What the gate guarantees, and what it cannot."),
            ("git(1), git-worktree(1), git-notes(1), githooks(5)", "What all of this is made of."),
        ],
    ),
];
