//! Attacks on whoever starts the next one: the user at a shell, the next agent, the reviewer. What each preset's
//! tool reads of its home is tried in `tests/sandbox/home.rs`.

use crate::hostile_agent::row::{Attack, Held};

/// Whether anything of it is in the user's home.
const PLANTED: &str = "grep -rqs PLANTED-BY-$ME $ROOT/home";

const fn attack(name: &'static str, tries: &'static str, does: &'static str) -> Attack {
    Attack::new(name, tries, does, PLANTED)
}

pub const ATTACKS: &[Attack] = &[
    attack(
        "home-files",
        "write into every file of the home, and beside each",
        "find $ROOT/home \"$HOME\" -type f | while IFS= read -r file; do echo PLANTED-BY-$ME >>\"$file\"; echo PLANTED-BY-$ME >\"$file.new\"; done",
    ),
    attack(
        "home-tools",
        "plant what agents' tools start or obey the next time: tool servers, hooks, plugins, rules, memories, skills",
        "for home in $ROOT/home \"$HOME\"; do for file in .claude.json .claude/settings.local.json .claude/rules/a.md .claude/skills/a/SKILL.md .claude/statusline.sh \\\n\
           .codex/config.toml .codex/AGENTS.md .gemini/settings.json .gemini/policies/a.toml .gemini/extensions/a/gemini-extension.json .qwen/hooks/a .qwen/.env \\\n\
           .copilot/mcp-config.json .cursor/mcp.json .config/opencode/plugins/a.js .config/opencode/tools/a.js .cache/opencode/node_modules/a/index.js .aider.conf.yml; do\n\
           mkdir -p \"$home/${file%/*}\"; echo PLANTED-BY-$ME >>\"$home/$file\"; done; done",
    ),
    attack(
        "home-programs",
        "put programs where the user's PATH, shell, git and session find them",
        "for home in $ROOT/home \"$HOME\"; do for file in .local/bin/git bin/ls .cargo/bin/cargo .local/share/claude/versions/9 .nvm/a .pyenv/shims/python .bashrc .zshenv .config/fish/config.fish \\\n\
           .gitconfig .config/git/config .ssh/config .config/systemd/user/a.service .config/autostart/a.desktop .npmrc .cargo/config.toml .config/pip/pip.conf; do\n\
           mkdir -p \"$home/${file%/*}\"; echo PLANTED-BY-$ME >>\"$home/$file\"; done; done",
    ),
    attack(
        "home-ours",
        "plant what we read: the user's own config, whom the user trusts, another job's home",
        "for home in $ROOT/home \"$HOME\"; do for file in .config/git-flow-ai/config.toml .local/state/git-flow-ai/trust; do mkdir -p \"$home/${file%/*}\"; echo PLANTED-BY-$ME >>\"$home/$file\"; done; done\n\
         for home in $GIT/flow-ai/homes/*/home; do [ \"$home\" -ef \"$HOME\" ] || (echo PLANTED-BY-$ME >$home/planted) && cp $home/planted $W/.. ; done",
    )
    .harm("grep -rqs PLANTED-BY-$ME $ROOT/home $GIT/flow-ai $ROOT/.repo.flow-ai"),
    attack(
        "home-links",
        "put links to the user's home into its own, so that what is written there lands in the user's",
        "ln -s $ROOT/home \"$HOME/users\"; ln -s $ROOT/home/.profile \"$HOME/profile\"; (echo PLANTED-BY-$ME >>\"$HOME/profile\"); (echo PLANTED-BY-$ME >\"$HOME/users/planted\"); rm -rf \"$HOME/.cache\"; ln -s $ROOT/home \"$HOME/.cache\"",
    ),
    Attack::new(
        "home-rights",
        "change rights and times of the user's files",
        "chmod 777 $ROOT/home/.profile; touch -d 1999-01-01 $ROOT/home/.profile",
        "[ \"$(stat -c %a $ROOT/home/.profile)\" = 777 ]",
    )
    .held(Held::Bubblewrap),
];
