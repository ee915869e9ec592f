//! The home of each job: what is in it, and that nothing written there is left for anybody.

use super::{Held, MEANS};
use crate::support::plan::task;
use crate::support::{Config, Out, Place, executable};
use git_flow_ai::domain::presets;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

/// Files of a home that hold secrets, as many programs keep them.
const CANARIES: &str = include_str!("canaries.txt");

/// What tools were seen to run or obey when they are started the next time, below the home.
const PLANTED: &str = ".claude.json .claude/settings.json .claude/settings.local.json .claude/CLAUDE.md .claude/rules/always.md \
    .claude/hooks/x .claude/skills/x/SKILL.md .claude/plugins/x .claude/statusline.sh .claude/local/claude \
    .local/share/claude/versions/9 .local/bin/claude .codex/config.toml .codex/AGENTS.md .codex/rules/x .codex/prompts/x \
    .gemini/settings.json .gemini/GEMINI.md .gemini/policies/x.toml .gemini/extensions/x/gemini-extension.json .gemini/system.md \
    .qwen/settings.json .qwen/hooks/x .qwen/.env .qwen/rules/x.md .qwen/output-language.md \
    .copilot/mcp-config.json .copilot/agents/x .copilot/config.json .cursor/mcp.json .cursor/rules/x .cursor/hooks.json \
    .config/opencode/opencode.json .config/opencode/plugins/x.js .config/opencode/tools/x.js .config/opencode/AGENTS.md \
    .cache/opencode/node_modules/x/index.js .local/share/opencode/auth.json .aider.conf.yml .aider/x \
    .bashrc .profile .zshenv .gitconfig .config/git/config .ssh/config .npmrc .cargo/config.toml .config/systemd/user/x.service \
    .config/autostart/x.desktop .local/state/git-flow-ai/trust .config/git-flow-ai/config.toml";

/// A tool of each preset: `request` is its prompt, and `ends TEXT` is its last word in its own events.
const TOOL: &str = r#"for last; do [ "$option" = --message-file ] && message=$last; [ "$option" = --chat-history-file ] && chat=$last; option=$last; done
case $1 in --version) echo 1.0.0; exit;; esac
if [ -n "$message" ]; then request=$(cat "$message"); else request=$(cat); fi
ends() {
  text=$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')
  case PRESET in
  codex) printf '{"type":"thread.started","thread_id":"s"}\n{"type":"item.completed","item":{"type":"agent_message","text":"%s"}}\n{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}\n' "$text";;
  gemini) printf '{"type":"init","session_id":"s","model":"m"}\n{"type":"message","role":"assistant","content":"%s","delta":true}\n{"type":"result","status":"success","stats":{"input_tokens":1,"output_tokens":1}}\n' "$text";;
  copilot) printf '{"type":"assistant.message","data":{"content":"%s","toolRequests":[]}}\n{"type":"result","sessionId":"s","exitCode":0}\n' "$text";;
  opencode) printf '{"type":"text","sessionID":"s","part":{"text":"%s"}}\n{"type":"step_finish","sessionID":"s","part":{"reason":"stop","tokens":{"input":1,"output":1}}}\n' "$text";;
  aider) printf '#### asked\n%s\n' "$1" >"$chat"; echo 'Tokens: 1k sent, 1 received.';;
  *) printf '{"type":"system","subtype":"init","session_id":"s","model":"m"}\n{"type":"result","subtype":"success","is_error":false,"result":"%s","session_id":"s","usage":{"input_tokens":1,"output_tokens":1}}\n' "$text";;
  esac
}
verdict() {
  nonce=$(printf '%s\n' "$request" | sed -n 's/^REQUEST {"nonce":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
  files=$(printf '%s\n' "$request" | sed -n 's/^REQUEST .*"files":\(\[.*\]\)}$/\1/p' | head -n 1)
  first=$(printf '%s' "$files" | sed 's/^\["\([^"]*\)".*/\1/')
  case $1 in APPROVE) found='[]';; *) found='[{"path":"'$first'","line":1,"severity":"P1","body":"'$2'"}]';; esac
  ends '{"nonce":"'$nonce'","verdict":"'"$1"'","summary":"Read.","files":'"$files"',"findings":'"$found"'}'
}
"#;

/// The author and its rival are the same tool.
pub fn twins(preset: &str, means: &str) -> Place {
    let agent = |vendor: &str| format!("preset = \"{preset}\"\nvendor = \"{vendor}\"");
    let config = Config::new()
        .run("sandbox = \"require\"\nattempts = 1")
        .section("agents.author", agent("acme"))
        .section("agents.rival", agent("zeta"))
        .section("reviewers.rival", "agent = \"rival\"");
    let place = Place::with_config(config);
    place.git(&["config", "flow-ai.sandbox-means", means]).ok();
    place
}

/// A tool of that preset that does this.
pub fn tool(place: &Place, preset: &str, body: &str) {
    let program = presets::Preset::find(preset).unwrap().program;
    place.script(program, &format!("{}{body}", TOOL.replace("PRESET", preset)));
}

/// All that is below a folder: kind and rights, and content or target.
fn everything(folder: &Path) -> BTreeMap<String, (u32, i64, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(path) = ahead.pop() {
        let found = path.symlink_metadata().unwrap();
        let content = if found.is_dir() {
            ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        } else if found.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        all.insert(path.display().to_string(), (found.mode(), found.mtime(), content));
    }
    all
}

/// What is not the same in both.
fn changed<'a, T: PartialEq>(
    before: &'a BTreeMap<String, T>,
    after: &'a BTreeMap<String, T>,
) -> Vec<&'a str> {
    let differs = |path: &&String| before.get(*path) != after.get(*path);
    before.keys().chain(after.keys()).filter(differs).map(String::as_str).collect()
}

pub fn plant(home: &Path, paths: impl IntoIterator<Item = &'static str>, text: &str) {
    for path in paths {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn no_canary_of_a_home_is_read_by_an_author_or_a_reviewer() {
    for means in MEANS {
        let config = Config::new()
            .run("sandbox = \"require\"\nattempts = 1")
            .agent("author", "acme")
            .reviewer("rival", "zeta");
        let place = Place::with_config(config);
        place.git(&["config", "flow-ai.sandbox-means", means]).ok();
        let home = place.root().join("home");
        plant(&home, CANARIES.lines(), "CANARY\n");
        // Ours has to be readable for us.
        plant(&home, [".config/git-flow-ai/config.toml"], "version = 1 # CANARY\n");
        place.commit("canaries.txt", CANARIES);
        let look = "while IFS= read -r path; do grep -qs CANARY \"$HOME/$path\" \"$USERS/$path\" && echo \"$path\"; done";
        let users = format!("USERS={}", home.display());
        place.script("author", &format!("{users}\ncat >/dev/null; {look} <canaries.txt >seen.txt; grep -rqs CANARY \"$HOME\" \"$USERS\" && echo more >>seen.txt; echo looked >>seen.txt"));
        place.script(
            "rival.look",
            &format!("{users}\n{{ {look}; grep -rqs CANARY \"$HOME\" \"$USERS\" && echo more; }} <<'END'\n{CANARIES}END"),
        );
        place.reviewer("rival", "seen=$(rival.look | tr '\\n' ' '); [ -z \"$seen\" ] || findings='[{\"path\":\"seen.txt\",\"line\":1,\"severity\":\"P1\",\"body\":\"'$seen'\",\"suggestion\":null}]'");
        place.spec_with(&task("it", ""));
        place.run(&[]).ok();
        assert_eq!(place.git_says(&["show", "flow/demo/it:seen.txt"]), "looked", "{means}");
    }
}

#[test]
fn what_a_job_of_any_preset_writes_below_its_home_is_left_for_nobody() {
    for means in MEANS {
        for preset in presets::ALL.iter().map(|preset| preset.name) {
            let place = twins(preset, means);
            let home = place.root().join("home");
            plant(&home, CANARIES.lines().chain(["file"]), "mine = 1\n");
            plant(&home, [".config/git-flow-ai/config.toml"], "version = 1\n");
            symlink("file", home.join("link")).unwrap();
            let users = home.display();
            // Landlock does not know who may change rights, which is said.
            let rights = if *means == "landlock" {
                "true"
            } else {
                "chmod 777 \"$home\"; touch -d 1999-01-01 \"$home\""
            };
            tool(
                &place,
                preset,
                &format!(
                    r#"mark=PLANT; mark=${{mark}}ED
planted=$(grep -rls $mark "$HOME" "{users}" /tmp "$TMPDIR" 2>/dev/null)
if [ "$GIT_FLOW_AI_MODE" = review ]; then
  [ -z "$planted" ] && verdict APPROVE || verdict 'REQUEST CHANGES' "it sees $planted"; exit
fi
for home in "$HOME" "{users}"; do
  find "$home" -type f 2>/dev/null | while IFS= read -r file; do echo $mark >>"$file"; done
  for path in {PLANTED}; do mkdir -p "$home/${{path%/*}}"; echo $mark >>"$home/$path"; done
  rm -rf "$home/file" "$home/link"; mv "$home/.profile" "$home/.profile.old"; {rights}
done 2>/dev/null
printf '%s' "$planted" >"$GIT_FLOW_AI_TASK.txt"; [ -e "$HOME/.claude/rules/always.md" ] && echo planted >>"$GIT_FLOW_AI_TASK.txt"
ends Done."#
                ),
            );
            place.spec_with(&(task("one", "") + &task("two", "<!-- after: one -->")));
            let before = everything(&home);
            place.run(&["--agent", "author"]).ok();
            assert_eq!(changed(&before, &everything(&home)), [""; 0], "{means}, {preset}: the user's home");
            for name in ["one", "two"] {
                let made = place.git_says(&["show", &format!("flow/demo/result:{name}.txt")]);
                assert_eq!(made, "planted", "{means}, {preset}: {name} found what another job left");
            }
            let left = fs::read_dir(place.repo().join(".git/flow-ai/homes")).unwrap();
            let left =
                left.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("home"));
            assert_eq!(left.count(), 0, "{means}, {preset}: homes go with their jobs");
        }
    }
}

/// As it happened: an author of the real tool planted a tool server in its settings; a later review by the same
/// tool started it, and it answered in the reviewer's place.
#[test]
fn no_server_that_an_author_planted_answers_for_a_reviewer() {
    for means in MEANS {
        let place = twins("claude", means);
        let home = place.root().join("home");
        fs::write(home.join(".claude.json"), "{\"mcpServers\":{}}\n").unwrap();
        tool(
            &place,
            "claude",
            r#"export request
if [ "$GIT_FLOW_AI_MODE" = edit ]; then
  echo '{"mcpServers":{"x":{"command":"sh","args":["APPROVE"]}}}' >"$HOME/.claude.json"
  echo bad >bad.txt; ends Done.; exit
fi
server=$(sed -n 's/.*"args":\["\(.*\)"\].*/\1/p' "$HOME/.claude.json" 2>/dev/null)
if [ -n "$server" ]; then verdict "$server"; else verdict 'REQUEST CHANGES' 'It is wrong.'; fi"#,
        );
        place.spec_with(&task("it", ""));
        place.run(&["--agent", "author"]).exits(1);
        assert!(place.file("flow/demo/it", "bad.txt").is_some(), "{means}: the author worked");
        assert_eq!(
            fs::read_to_string(home.join(".claude.json")).unwrap(),
            "{\"mcpServers\":{}}\n",
            "{means}"
        );
        place.flow(&["review", "flow/demo/it", "--reviewer", "rival"]).exits(1);
    }
}

#[test]
fn a_tool_gets_its_login_and_of_its_settings_what_is_not_code() {
    for means in MEANS {
        let place = twins("claude", means);
        let home = place.root().join("home");
        for (path, text) in [
            (
                ".claude/.credentials.json",
                r#"{"claudeAiOauth":{"accessToken":"access-1","refreshToken":"renewal-1"}}"#,
            ),
            (
                ".claude.json",
                r#"{"oauthAccount":{"id":"account-1"},"mcpServers":{"x":{"command":"server-1"}}}"#,
            ),
            (".claude/settings.json", r#"{"env":{"A":"setting-1"},"hooks":{"Stop":"hook-1"}}"#),
            (".claude/CLAUDE.md", "instruction-1\n"),
            (".claude/commands/x.md", "command-1\n"),
            (".codex/auth.json", "other-1\n"),
        ] {
            plant(&home, [path], text);
        }
        tool(
            &place,
            "claude",
            r#"seen=$(grep -rhoE '[a-z]+-1\b' "$HOME" | sort | tr '\n' ' ')
[ "$GIT_FLOW_AI_MODE" = review ] && { verdict 'REQUEST CHANGES' "sees: $seen"; exit; }
echo "$seen" >seen.txt; ends Done."#,
        );
        place.spec_with(&task("it", ""));
        let out = place.run(&["--agent", "author"]).exits(1);
        assert_eq!(
            place.git_says(&["show", "flow/demo/it:seen.txt"]),
            "access-1 account-1 instruction-1 setting-1",
            "{means}"
        );
        out.says("sees: access-1 account-1 setting-1");
    }
}

#[test]
fn variables_that_move_a_tools_folder_lead_to_the_same_copies() {
    for means in MEANS {
        let place = twins("codex", means);
        let elsewhere = place.root().join("elsewhere/codex");
        plant(&elsewhere, ["auth.json", "sessions/old"], "KEY-1\n");
        tool(
            &place,
            "codex",
            &format!(
                r#"cat "$HOME/.codex/auth.json" >seen.txt; echo "${{CODEX_HOME-unset}}" >>seen.txt
(echo bad >>"{0}/auth.json"; echo bad >"{0}/rules") 2>/dev/null; cat "{0}/auth.json" "{0}/sessions/old" >>seen.txt 2>/dev/null; ends Done."#,
                elsewhere.display()
            ),
        );
        place.spec_with(&task("it", ""));
        let before = everything(&elsewhere);
        let mut command = place.command("git-flow-ai");
        command.args(["run", "demo", "--no-review", "--agent", "author"]).env("CODEX_HOME", &elsewhere);
        Out::of(command.output().unwrap()).ok();
        assert_eq!(place.git_says(&["show", "flow/demo/it:seen.txt"]), "KEY-1\nunset", "{means}");
        assert_eq!(changed(&before, &everything(&elsewhere)), [""; 0], "{means}");
    }
}

#[test]
fn programs_of_the_home_work_and_what_lies_beside_them_is_not_seen() {
    for means in MEANS {
        let held = Held::new(
            means,
            "tool >made.txt; other >>made.txt; mine >>made.txt; true",
            "[sandbox]\nread = [\"~/data/open\"]",
        );
        let home = held.outside("home");
        let programs = [
            (".nvm/versions/node/v1/bin/tool", "cat \"${0%/*}/../lib/part\""),
            ("opt/other/node_modules/pkg/cli.js", "cat \"$(dirname \"$(readlink -f \"$0\")\")/part\""),
            (
                ".local/bin/mine",
                "cat \"$HOME/data/open/a\" \"$HOME/data/shut/a\" \"$HOME/opt/secret\" 2>/dev/null; cat \"$HOME/.cargo/registry/a\"",
            ),
        ];
        for (path, body) in programs {
            fs::create_dir_all(home.join(path).parent().unwrap()).unwrap();
            executable(&home.join(path), &format!("#!/bin/sh\n{body}\n"));
        }
        plant(
            &home,
            [".nvm/versions/node/v1/lib/part", "opt/other/node_modules/pkg/part", "data/open/a"],
            "part\n",
        );
        plant(&home, ["data/shut/a", "opt/secret", ".cargo/credentials.toml"], "KEY\n");
        // A whole folder that lies elsewhere, as where homes are small.
        plant(held.place.root(), ["large/cargo/registry/a"], "part\n");
        fs::remove_dir_all(home.join(".cargo")).unwrap();
        symlink(held.place.root().join("large/cargo"), home.join(".cargo")).unwrap();
        symlink("../../opt/other/node_modules/pkg/cli.js", home.join(".local/bin/other")).unwrap();
        let mut command = held.command();
        let path = command
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .and_then(|(_, path)| path)
            .unwrap()
            .to_owned();
        let path = format!(
            "{0}/.nvm/versions/node/v1/bin:{0}/.local/bin:{1}",
            home.display(),
            path.to_str().unwrap()
        );
        Out::of(command.env("PATH", path).output().unwrap()).ok();
        assert_eq!(held.made("made.txt"), "part\n".repeat(4), "{means}");
    }
}

#[test]
fn the_whole_home_is_not_opened_by_a_word() {
    for path in ["~/", "/", "~/../home"] {
        let held = Held::new("bubblewrap", "true", &format!("[sandbox]\nread = [\"{path}\"]"));
        held.run().exits(2).says("holds the whole home");
    }
}

#[test]
fn a_file_that_is_needed_and_secret_is_opened_by_name_and_the_way_is_told() {
    for means in MEANS {
        let held = Held::new(means, "echo made >made.txt", "verify = 'cat \"$HOME/.npmrc\"'");
        plant(&held.outside("home"), [".npmrc"], "registry=https://npm.example.com\n");
        held.place.commit("package.json", "{}\n");
        held.run().exits(2).says("~/.npmrc is hidden in the sandbox").says("read = [\"~/.npmrc\"]");
        held.place.git(&["config", "--global", "flow-ai.sandbox", "prefer"]).ok();
        held.place.flow(&["doctor"]).says("~/.npmrc is hidden from agents and commands; with package.json");
        plant(
            &held.outside("home"),
            [".config/git-flow-ai/config.toml"],
            "version = 1\n[sandbox]\nread = [\"~/.npmrc\"]\n",
        );
        held.place.flow(&["run", "demo", "--no-review", "--retry"]).ok();
        let out = held.place.flow(&["doctor"]);
        assert!(!out.stdout.contains(".npmrc is hidden"), "{means}: {}", out.stdout);
    }
}

/// What copilot unpacks at its first start, 235 MB, is unpacked once, and nothing that an agent does gets into it.
#[test]
fn what_a_tool_unpacks_is_unpacked_once_and_written_by_nobody() {
    for means in MEANS {
        let place = twins("copilot", means);
        tool(
            &place,
            "copilot",
            r#"pkg="$HOME/.cache/copilot/pkg"
[ -e "$pkg/unpacked" ] && found=found || { mkdir -p "$pkg" && echo "$GIT_FLOW_AI_TASK" >"$pkg/unpacked"; }
(echo bad >>"$pkg/unpacked"; echo bad >"$pkg/planted") 2>/dev/null
[ "$GIT_FLOW_AI_MODE" = review ] && { [ "$found$(cat "$pkg"/*)" = found ] && verdict APPROVE || verdict 'REQUEST CHANGES' "$(ls "$pkg")"; exit; }
echo "$found $(cat "$pkg"/*)" >"$GIT_FLOW_AI_TASK.txt"; ends Done."#,
        );
        // The tool unpacks before it looks at its arguments.
        let path = place.root().join("bin/copilot");
        let unpacks = "mkdir -p \"$HOME/.cache/copilot/pkg\"; : >\"$HOME/.cache/copilot/pkg/unpacked\"; echo 1.0.0; exit;;";
        let text = fs::read_to_string(&path).unwrap().replacen("echo 1.0.0; exit;;", unpacks, 1);
        executable(&path, &text);
        place.spec_with(&(task("one", "") + &task("two", "<!-- after: one -->")));
        place.run(&["--agent", "author"]).ok();
        for name in ["one", "two"] {
            assert_eq!(
                place.git_says(&["show", &format!("flow/demo/result:{name}.txt")]),
                "found",
                "{means}"
            );
        }
    }
}
