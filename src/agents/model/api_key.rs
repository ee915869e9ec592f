//! The key of a model API: where it is, and how it is obtained when it is needed.
//!
//! It comes from the environment, from a command of the user's, or from git's credential helpers. Each
//! key is redacted from all that is written and shown from the moment we have it.

use super::Endpoint;
use crate::agents::credentials;
use crate::domain::config::{ApiKind, KeyFrom, ReviewerConfig};
use crate::domain::error::{Result, hint};
use crate::system::secrets;
use reqwest::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    None,
    /// In that variable of the environment.
    Variable(String),
    /// What that shell command prints, for the reviewer of that name.
    Command(String, String),
    /// With git's credential helpers.
    Credential,
}

/// A key. Never printed: it has no `Debug` and no `Display`.
pub struct ApiKey {
    pub(super) text: String,
}

impl KeySource {
    /// Where a reviewer's settings say that its key is, else where keys of that API usually are.
    pub(super) fn from_config(name: &str, config: &ReviewerConfig, api: ApiKind) -> KeySource {
        match (config.key, &config.key_command, &config.key_env) {
            (Some(KeyFrom::Credential), _, _) => KeySource::Credential,
            (None, Some(command), _) => KeySource::Command(command.clone(), name.to_owned()),
            (None, None, Some(variable)) if variable.is_empty() => KeySource::None,
            (None, None, Some(variable)) => KeySource::Variable(variable.clone()),
            (None, None, None) => usual_variable(api).map_or(KeySource::None, KeySource::Variable),
        }
    }

    /// For messages, after "the key".
    pub(super) fn describe(&self) -> String {
        match self {
            KeySource::None => "that nobody gave".to_owned(),
            KeySource::Variable(name) => format!("in {name}"),
            KeySource::Command(_, reviewer) => format!("of the key_command of [reviewers.{reviewer}]"),
            KeySource::Credential => "that git's credential helpers have".to_owned(),
        }
    }
}

impl Endpoint {
    /// Whether the key can be expected to be there: no command is run for it yet.
    ///
    /// # Errors
    /// If its variable is not set.
    pub fn expects_key(&self) -> Result<()> {
        match &self.key {
            KeySource::Variable(_) => self.key().map(drop),
            KeySource::None | KeySource::Command(..) | KeySource::Credential => Ok(()),
        }
    }

    /// The key, if one is needed.
    ///
    /// # Errors
    /// If it is not there.
    pub fn key(&self) -> Result<Option<ApiKey>> {
        let text = match &self.key {
            KeySource::None => return Ok(None),
            KeySource::Variable(name) => {
                let text = std::env::var(name).unwrap_or_default().trim().to_owned();
                if text.is_empty() {
                    return Err(hint(
                        format!("the environment variable {name} with the key of {} is not set", self.host()),
                        format!("export {name}=…, or name another variable: key_env = \"…\""),
                    ));
                }
                secrets::learn(name, &text);
                text
            }
            KeySource::Command(command, reviewer) => {
                credentials::from_command(command, &format!("the key of the reviewer {reviewer}"))?
            }
            KeySource::Credential => {
                let address = Url::parse(&self.base_url)?;
                credentials::from_git_credentials(&address, &format!("the key of {}", self.host()))?
            }
        };
        Ok(Some(ApiKey { text }))
    }
}

/// The variables that hold an API's key by custom, the usual one first; none if its servers usually need
/// no key.
pub fn key_variables(api: ApiKind) -> &'static [&'static str] {
    match api {
        ApiKind::Anthropic => &["ANTHROPIC_API_KEY"],
        ApiKind::Openai | ApiKind::OpenaiChat => &["OPENAI_API_KEY"],
        ApiKind::Google => &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        ApiKind::OpenaiCompatible => &[],
    }
}

/// The one of them that is set, else the usual one.
fn usual_variable(api: ApiKind) -> Option<String> {
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let all = key_variables(api);
    all.iter().find(is_set).or(all.first()).map(|name| (*name).to_owned())
}
