//! How each CLI is pointed at the scripted model: only what a person would set up for a provider of
//! their own. Everything else is the preset's business.

use git_flow_ai::domain::change::Vendor;
use git_flow_ai::domain::config::AgentConfig;
use serde_json::json;
use std::fs;
use std::path::Path;

/// A key that is obviously none.
const KEY: &str = "not-a-key";

/// The settings of that CLI, for a server at that address and an empty home.
pub fn of(cli: &str, url: &str, home: &Path) -> AgentConfig {
    let mut config = AgentConfig { preset: Some(cli.to_owned()), ..AgentConfig::default() };
    let mut set = |name: &str, value: &str| config.env.insert(name.to_owned(), value.to_owned());
    set("HOME", &home.display().to_string());
    set("LANG", "C.UTF-8");
    match cli {
        "claude" => {
            set("ANTHROPIC_BASE_URL", url);
            set("ANTHROPIC_API_KEY", KEY);
        }
        "codex" => {
            set("SCRIPTED_KEY", KEY);
            let provider = format!(
                "model_providers.scripted={{name=\"scripted\",base_url=\"{url}/v1\",env_key=\"SCRIPTED_KEY\",wire_api=\"responses\"}}"
            );
            config.args = ["-c", "model_provider=scripted", "-c", &provider].map(str::to_owned).to_vec();
            config.model = Some("gpt-5.5".into());
        }
        "gemini" => {
            set("GEMINI_API_KEY", KEY);
            set("GOOGLE_GEMINI_BASE_URL", url);
            write(
                home,
                ".gemini/settings.json",
                &json!({"security": {"auth": {"selectedType": "gemini-api-key"}}}),
            );
            config.model = Some("gemini-2.5-pro".into());
        }
        "opencode" => {
            let provider = json!({"npm": "@ai-sdk/openai-compatible", "models": {"m1": {}},
                                  "options": {"baseURL": format!("{url}/v1"), "apiKey": KEY}});
            write(home, ".config/opencode/opencode.json", &json!({"provider": {"scripted": provider}}));
            config.model = Some("scripted/m1".into());
        }
        "qwen" => {
            set("OPENAI_API_KEY", KEY);
            set("OPENAI_BASE_URL", &format!("{url}/v1"));
            config.args = ["--auth-type", "openai"].map(str::to_owned).to_vec();
            config.model = Some("qwen3-coder".into());
        }
        "copilot" => {
            set("COPILOT_OFFLINE", "true");
            set("COPILOT_PROVIDER_BASE_URL", &format!("{url}/v1"));
            set("COPILOT_PROVIDER_TYPE", "openai");
            set("COPILOT_PROVIDER_API_KEY", KEY);
            config.model = Some("scripted".into());
        }
        "aider" => {
            set("OPENAI_API_KEY", KEY);
            set("OPENAI_API_BASE", &format!("{url}/v1"));
            set("LITELLM_LOCAL_MODEL_COST_MAP", "True");
            config.args = ["--edit-format", "diff"].map(str::to_owned).to_vec(); // as for models that it knows
            config.model = Some("openai/scripted".into());
        }
        other => panic!("no settings for {other}"),
    }
    if matches!(cli, "opencode" | "copilot" | "aider") {
        config.vendor = Some(Vendor::new("acme")); // the model's name does not tell
    }
    config
}

fn write(home: &Path, path: &str, value: &serde_json::Value) {
    let path = home.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, value.to_string()).unwrap();
}
