//! Zenflow's `settings.json`, for what our own config leaves unsaid.
//!
//! Four optional keys. Others are seen in the wild (`checkpoints`, `verification_gates`): a warning,
//! never a failure, since the file belongs to another tool.

use super::RunSection;
use crate::domain::error::{Result, hint};
use serde_json::{Map, Value};

/// Where Zenflow keeps its settings in a repository.
pub const SETTINGS: &str = ".zenflow/settings.json";

/// What Zenflow's settings say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZenflowSettings {
    /// `setup_script`: once per new worktree.
    pub setup: Option<String>,
    /// `verification_script`: after every turn of an agent.
    pub verify: Option<String>,
    /// `copy_files`: paths or globs, git-ignored files included.
    pub copy: Vec<String>,
    /// What was not understood, for a warning each.
    pub warnings: Vec<String>,
}

/// Reads Zenflow's settings; `origin` is the file's name for messages.
///
/// # Errors
/// Where the file is no JSON object: its commands would be missing without a word.
pub fn parse_settings(text: &str, origin: &str) -> Result<ZenflowSettings> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let entries: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        hint(
            format!("{origin} cannot be read: {error}"),
            "mend it, or move its settings to .zenflow/config.toml",
        )
    })?;
    let mut settings = ZenflowSettings::default();
    for (key, value) in entries {
        match (key.as_str(), &value) {
            // Seen with an empty text where nothing is meant.
            ("setup_script" | "verification_script" | "dev_server_script", Value::Null) => {}
            ("setup_script", Value::String(command)) => settings.setup = said(command),
            ("verification_script", Value::String(command)) => settings.verify = said(command),
            ("copy_files", Value::Array(paths)) => {
                for path in paths {
                    match path.as_str() {
                        Some(path) => settings.copy.push(path.to_owned()),
                        None => {
                            settings.warnings.push(format!("{origin}: `copy_files` holds {path}, no path"))
                        }
                    }
                }
            }
            // Zenflow itself never runs it.
            ("dev_server_script", Value::String(_)) => {}
            ("setup_script" | "verification_script" | "copy_files" | "dev_server_script", _) => {
                settings.warnings.push(format!("{origin}: `{key}` has a value of another type, ignored"));
            }
            _ => settings.warnings.push(format!("{origin}: `{key}` is not known here, ignored")),
        }
    }
    Ok(settings)
}

fn said(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

impl RunSection {
    /// Takes from Zenflow's settings what the config leaves unsaid.
    pub fn fill_in(&mut self, settings: &ZenflowSettings) {
        self.setup = self.setup.take().or_else(|| settings.setup.clone());
        self.verify = self.verify.take().or_else(|| settings.verify.clone());
        if self.copy.is_empty() {
            self.copy.clone_from(&settings.copy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::RunSection;
    use super::parse_settings;

    #[test]
    fn zenflow_s_four_keys_are_read_and_others_only_warned_of() {
        let settings = parse_settings(
            r#"{ "setup_script": "cargo fetch",
                 "verification_script": "cargo clippy -q && cargo test -q",
                 "copy_files": [".env.dev", "fixtures/*.local.toml", 7],
                 "dev_server_script": "npm run dev",
                 "checkpoints": true }"#,
            "settings.json",
        )
        .expect("reads");
        assert_eq!(settings.setup.as_deref(), Some("cargo fetch"));
        assert_eq!(settings.copy, [".env.dev", "fixtures/*.local.toml"]);
        assert_eq!(settings.warnings.len(), 2, "{:?}", settings.warnings);

        let mut run = RunSection { verify: Some("just test".into()), ..RunSection::default() };
        run.fill_in(&settings);
        assert_eq!(run.verify.as_deref(), Some("just test"), "our own config goes first");
        assert_eq!(run.setup.as_deref(), Some("cargo fetch"));
    }

    #[test]
    fn settings_that_are_no_object_are_refused_and_empty_commands_are_none() {
        assert!(parse_settings("[]", "s").is_err());
        assert!(parse_settings("{", "s").is_err());
        let settings =
            parse_settings("\u{feff}{\"setup_script\": \" \", \"copy_files\": 3}", "s").expect("reads");
        assert_eq!((settings.setup, settings.warnings.len()), (None, 1));
    }
}
