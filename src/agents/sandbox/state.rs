//! Where the agents that we know keep their own state, and which variables are meant for them.
//!
//! An agent writes its own state and sees nobody else's. Its settings in there stay as they are: what it
//! wrote into them (a hook, a server to start) would run outside of any sandbox the next time that the
//! person starts it. Paths are below the home.

use super::places;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// One agent's.
#[derive(Debug)]
pub struct State {
    /// The preset's name.
    pub agent: &'static str,
    /// The folders that it writes.
    pub folders: &'static [&'static str],
    /// The files that it writes beside them.
    pub files: &'static [&'static str],
    /// What of that stays as it is.
    pub settings: &'static [&'static str],
    /// The variable that names another place for all of it.
    pub moved_by: Option<&'static str>,
    /// Its variables: names, `PREFIX_*` or `*_SUFFIX`.
    pub env: &'static [&'static str],
}

/// All of them.
pub const STATES: &[State] = &[
    State {
        agent: "claude",
        folders: &[".claude", ".cache/claude-cli-nodejs", ".local/share/claude", ".local/state/claude"],
        files: &[".claude.json"],
        settings: &[
            ".claude/settings.json",
            ".claude/settings.local.json",
            ".claude/CLAUDE.md",
            ".claude/agents",
            ".claude/commands",
            ".claude/hooks",
            ".claude/skills",
            ".claude/plugins",
        ],
        moved_by: Some("CLAUDE_CONFIG_DIR"),
        env: &["ANTHROPIC_*", "CLAUDE_*", "API_TIMEOUT_MS", "MAX_THINKING_TOKENS", "DISABLE_*"],
    },
    State {
        agent: "codex",
        folders: &[".codex"],
        files: &[],
        settings: &[
            ".codex/config.toml",
            ".codex/AGENTS.md",
            ".codex/prompts",
            ".codex/rules",
            ".codex/skills",
        ],
        moved_by: Some("CODEX_HOME"),
        env: &["OPENAI_*", "CODEX_*"],
    },
    State {
        agent: "gemini",
        folders: &[".gemini"],
        files: &[],
        settings: &[
            ".gemini/settings.json",
            ".gemini/GEMINI.md",
            ".gemini/extensions",
            ".gemini/commands",
            ".gemini/.env",
        ],
        moved_by: None,
        env: &["GEMINI_*", "GOOGLE_*"],
    },
    State {
        agent: "copilot",
        folders: &[".copilot", ".cache/copilot"],
        files: &[],
        settings: &[".copilot/mcp-config.json", ".copilot/agents", ".copilot/skills"],
        moved_by: Some("COPILOT_HOME"),
        env: &["COPILOT_*", "GH_TOKEN", "GITHUB_TOKEN", "GH_HOST"],
    },
    State {
        agent: "cursor",
        folders: &[".cursor", ".config/cursor", ".local/share/cursor-agent"],
        files: &[],
        settings: &[".cursor/mcp.json", ".cursor/rules", ".cursor/cli-config.json", ".cursor/hooks.json"],
        moved_by: None,
        env: &["CURSOR_*"],
    },
    State {
        agent: "opencode",
        folders: &[".local/share/opencode", ".local/state/opencode", ".cache/opencode", ".config/opencode"],
        files: &[],
        settings: &[
            ".config/opencode/opencode.json",
            ".config/opencode/opencode.jsonc",
            ".config/opencode/config.json",
            ".config/opencode/AGENTS.md",
            ".config/opencode/agent",
            ".config/opencode/command",
            ".config/opencode/plugin",
            ".config/opencode/tool",
        ],
        moved_by: None,
        env: &["OPENCODE_*", "*_API_KEY", "*_BASE_URL"],
    },
    State {
        agent: "qwen",
        folders: &[".qwen"],
        files: &[],
        settings: &[
            ".qwen/settings.json",
            ".qwen/QWEN.md",
            ".qwen/extensions",
            ".qwen/agents",
            ".qwen/skills",
        ],
        moved_by: None,
        env: &["QWEN_*", "OPENAI_*", "DASHSCOPE_*", "BAILIAN_*"],
    },
    State {
        agent: "aider",
        folders: &[".aider"],
        files: &[],
        settings: &[".aider/oauth-keys.env"],
        moved_by: None,
        env: &["AIDER_*", "*_API_KEY", "*_API_BASE", "*_BASE_URL"],
    },
];

impl State {
    /// Where all of it is for whoever has these variables.
    pub fn paths(&self, variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
        let files = self.files.iter().flat_map(|path| places(path, variable));
        self.folders(variable).into_iter().chain(files).collect()
    }

    /// The folders among that: they have to exist before an agent is held, which could not make them.
    pub fn folders(&self, variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
        let usual = self.folders.iter().flat_map(|path| places(path, variable));
        usual.chain(self.moved(variable)).collect()
    }

    /// What of it stays as it is.
    pub fn kept(&self, variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
        let usual = self.settings.iter().flat_map(|path| places(path, variable));
        let moved = self.moved(variable);
        let inside = self.settings.iter().filter_map(|path| path.split_once('/'));
        let moved = inside.filter_map(|(_, rest)| Some(moved.as_ref()?.join(rest)));
        usual.chain(moved).collect()
    }

    /// Another place for it. One that has the whole home in it holds more than an agent's state.
    fn moved(&self, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        let place = self.moved_by.and_then(variable).map(PathBuf::from).filter(|path| path.is_absolute())?;
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let home = variable("HOME").map(PathBuf::from);
        let is_too_much = home.is_some_and(|home| real(&home).starts_with(real(&place)));
        (!is_too_much).then_some(place)
    }
}

/// That of the preset of that name.
pub fn of(agent: &str) -> Option<&'static State> {
    STATES.iter().find(|state| state.agent == agent)
}
