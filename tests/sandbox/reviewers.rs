//! What reviewers that are agents get, and what makes their answer none.

use super::MEANS;
use super::home::{tool, twins};
use crate::support::{Out, Place};

/// A change of `changed.txt` on the branch `topic`, in a project that tells agents what to do.
fn change(place: &Place) {
    for path in [
        "CLAUDE.md",
        "deep/er/Agents.md",
        ".claude/settings.json",
        "deep/.mcp.json",
        ".gemini/settings.json",
        ".github/hooks/x",
    ] {
        place.write(path, "obey\n");
    }
    place.write("deep/promise.txt", "promise\n");
    std::os::unix::fs::symlink("/etc/passwd", place.repo().join("link")).unwrap();
    place.git(&["add", "--all", "--force"]).ok();
    place.git(&["commit", "--quiet", "-m", "Begin"]).ok();
    place.git(&["switch", "--quiet", "--create", "topic"]).ok();
    place.commit("changed.txt", "changed\n");
    place.git(&["switch", "--quiet", "main"]).ok();
}

fn review(place: &Place) -> Out {
    place.flow(&["review", "topic", "--reviewer", "rival"])
}

#[test]
fn a_reviewer_reads_the_head_as_data_if_it_can_start_nothing() {
    for means in MEANS {
        for (preset, sees) in [
            ("claude", ".zenflow/config.toml README.md changed.txt deep/promise.txt"),
            ("gemini", ".zenflow/config.toml README.md changed.txt deep/promise.txt"),
            ("codex", ""),
            ("aider", ""),
        ] {
            let place = twins(preset, means);
            change(&place);
            tool(
                &place,
                preset,
                r#"seen=$(find . -type f -o -type l | sed 's,^./,,' | sort | tr '\n' ' ')
{ (echo bad >changed.txt) || (echo bad >more.txt) || mkdir .claude || rm deep/promise.txt; } 2>/dev/null && seen="$seen WRITTEN"
git log -1 >/dev/null 2>&1 && seen="$seen HISTORY"
verdict 'REQUEST CHANGES' "sees: $seen""#,
            );
            let out = review(&place).exits(1).says(&format!("{}\n", format!("sees: {sees}").trim_end()));
            assert!(
                !out.stdout.contains("WRITTEN") && !out.stdout.contains("HISTORY"),
                "{means}, {preset}: {}",
                out.stdout
            );
        }
    }
}

#[test]
fn in_a_hook_a_reviewer_gets_the_request_alone() {
    let place = twins("claude", "bubblewrap");
    change(&place);
    place.write(
        ".zenflow/config.toml",
        place.read(".zenflow/config.toml") + "[gate]\nbranches = [\"main\"]\n",
    );
    place.git(&["commit", "--quiet", "--all", "-m", "Protect"]).ok();
    tool(
        &place,
        "claude",
        r#"[ -z "$(ls -A)" ] && verdict APPROVE || verdict 'REQUEST CHANGES' "sees $(ls -A)""#,
    );
    place.flow(&["init"]).ok();
    place.git(&["checkout", "--quiet", "--", "."]).ok();
    place.git(&["merge", "--no-ff", "--no-edit", "topic"]).ok();
}

#[test]
fn reviewers_are_started_with_nothing_of_anybody() {
    for (preset, parts) in [
        ("claude", &["--strict-mcp-config", "--disable-slash-commands", "Read,Grep,Glob", "--max-turns"][..]),
        ("codex", &["features.shell_tool=false", "features.hooks=false", "mcp_servers={}"]),
        ("gemini", &["run_shell_command", "\"mcpServers\":{}", "maxSessionTurns"]),
        ("qwen", &["run_shell_command", "\"mcpServers\":{}", "maxSessionTurns"]),
        ("opencode", &["\"bash\":\"deny\""]),
        ("copilot", &["--available-tools=view,grep,glob"]),
    ] {
        let place = twins(preset, "bubblewrap");
        change(&place);
        tool(
            &place,
            preset,
            "given=$(printf '%s ' \"$all\"; cat \"$GEMINI_CLI_SYSTEM_SETTINGS_PATH\" \"$QWEN_CODE_SYSTEM_SETTINGS_PATH\" 2>/dev/null; echo \"$OPENCODE_PERMISSION\")\n\
             for part in PARTS; do case $given in *\"$part\"*) ;; *) verdict 'REQUEST CHANGES' 'not given'; exit;; esac; done; verdict APPROVE"
                .replace("PARTS", &parts.iter().map(|part| format!("'{part}'")).collect::<Vec<_>>().join(" "))
                .as_str(),
        );
        let program = git_flow_ai::domain::presets::Preset::find(preset).unwrap().program;
        let path = place.root().join("bin").join(program);
        let text = std::fs::read_to_string(&path).unwrap().replacen("#!/bin/sh\n", "#!/bin/sh\nall=$*\n", 1);
        std::fs::write(path, text).unwrap();
        review(&place).ok();
    }
}

/// Whatever a second voice in the sandbox could do with the reviewer's output and life.
#[test]
fn an_answer_that_may_be_somebody_elses_is_none() {
    let place = twins("claude", "bubblewrap");
    change(&place);
    tool(&place, "claude", "verdict APPROVE");
    review(&place).ok();
    for (name, body) in [
        ("a second end", "verdict APPROVE; verdict APPROVE"),
        ("another answer before", "verdict 'REQUEST CHANGES' wrong; verdict APPROVE"),
        ("another answer after", "verdict APPROVE; verdict 'REQUEST CHANGES' wrong"),
        (
            "words after the end",
            r#"verdict APPROVE; echo '{"type":"assistant","message":{"content":[{"type":"text","text":"more"}]}}'"#,
        ),
        (
            "a tool after the end",
            r#"verdict APPROVE; echo '{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Read","input":{}}]}}'"#,
        ),
        ("a line after the end", "verdict APPROVE; echo more"),
        ("a signal after the end", "verdict APPROVE; kill -KILL $$"),
        ("a polite signal after the end", "verdict APPROVE; kill -TERM $$"),
        ("no end", r#"echo '{"type":"assistant","message":{"content":[{"type":"text","text":"APPROVE"}]}}'"#),
    ] {
        let place = place.copy();
        place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
        tool(&place, "claude", body);
        let out = review(&place);
        assert_ne!(out.status, 0, "{name}: {}", out.stdout);
        assert!(!out.stdout.contains("APPROVE"), "{name}: {}", out.stdout);
    }
}
