//! What a tool gets in the home of a job: a table in each preset.
//!
//! Each job works in a home that is made for it and thrown away, so that nothing an agent writes there reaches
//! the user, the next agent or a reviewer. What goes in are copies: logins, and of settings what is not code.
//! Tool servers, hooks, plugins, skills and commands are code, and stay outside.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use serde_json::Value;
use toml::Table;

/// What a tool gets.
#[derive(Debug, Clone, Copy)]
pub struct AgentHome {
    pub files: &'static [HomeFile],
    /// What it unpacks when it is started for the first time; `None` if that takes no time to speak of.
    pub seed: Option<Seed>,
    /// The folder that a variable can put elsewhere, and that variable.
    pub moved: Option<Moved>,
    /// How its login is renewed; `None` if it does not end, or if we do not know when.
    pub renewal: Option<Renewal>,
}

/// A folder that a tool unpacks from itself, so that every home of it may share one.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    /// Where it is, below the home.
    pub folder: &'static str,
    /// The arguments of a start that unpacks it and does nothing else.
    pub args: &'static [&'static str],
}

/// A login that ends, and that the tool renews when it is started after its end.
#[derive(Debug, Clone, Copy)]
pub struct Renewal {
    /// The file of the login, one of [`AgentHome::files`].
    pub login: &'static str,
    pub expiry: Expiry,
    /// Variables with which the tool does not use the login.
    pub keys: &'static [&'static str],
}

/// Where a login says when it ends; both are JSON pointers.
#[derive(Debug, Clone, Copy)]
pub enum Expiry {
    /// In milliseconds since 1970.
    Milliseconds(&'static str),
    /// In the claims of a token. The tool goes by when it renewed that last.
    Token { token: &'static str, renewed: &'static str },
}

/// A folder below the home, and the variable that names another place for it.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    pub folder: &'static str,
    pub variable: &'static str,
}

/// A file that a tool gets a copy of, by its path below the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HomeFile {
    pub path: &'static str,
    pub kind: HomeFileKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HomeFileKind {
    /// Who the user is to the provider. JSON gets in without the tokens that renew it: two jobs that renewed the
    /// same login at once would end it for each other, and what an agent steered is never copied back.
    Login,
    /// A file of JSON, of which these keys get in. Comments are understood.
    Json(&'static [&'static str]),
    /// The same of TOML.
    Toml(&'static [&'static str]),
    /// Prose or plain values: gets in as it is.
    Plain,
    /// The user's own instructions, for agents that edit. No reviewer gets them.
    Instructions,
}

/// The names of tokens that renew a login.
const RENEWING: &[&str] = &["refreshToken", "refresh_token"];

pub(super) const fn login(path: &'static str) -> HomeFile {
    HomeFile { path, kind: HomeFileKind::Login }
}

pub(super) const fn json(path: &'static str, keys: &'static [&'static str]) -> HomeFile {
    HomeFile { path, kind: HomeFileKind::Json(keys) }
}

pub(super) const fn toml(path: &'static str, keys: &'static [&'static str]) -> HomeFile {
    HomeFile { path, kind: HomeFileKind::Toml(keys) }
}

pub(super) const fn plain(path: &'static str) -> HomeFile {
    HomeFile { path, kind: HomeFileKind::Plain }
}

pub(super) const fn instructions(path: &'static str) -> HomeFile {
    HomeFile { path, kind: HomeFileKind::Instructions }
}

impl AgentHome {
    /// The file that a path below the home is, where the variable of [`AgentHome::moved`] names that folder.
    pub fn moved_path(&self, path: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
        let Moved { folder, variable: name } = self.moved?;
        let place = variable(name)?;
        // `.claude.json` goes into the folder that `.claude` is moved to.
        let inside = path.strip_prefix(folder)?;
        let inside = inside.strip_prefix('/').unwrap_or(path);
        Some(format!("{place}/{inside}"))
    }
}

impl HomeFile {
    /// What of the file's text gets in.
    ///
    /// # Errors
    /// Why none of it does: it cannot be understood.
    pub fn part(&self, text: &str) -> Result<String, String> {
        match self.kind {
            HomeFileKind::Plain | HomeFileKind::Instructions => Ok(text.to_owned()),
            HomeFileKind::Login => Ok(without_renewal(text)),
            HomeFileKind::Json(keys) => json_part(text, keys),
            HomeFileKind::Toml(keys) => toml_part(text, keys),
        }
    }
}

impl Renewal {
    /// When that login ends, in seconds since 1970; `None` if it does not say.
    pub fn expires(&self, login: &str) -> Option<i64> {
        let login: Value = serde_json::from_str(login).ok()?;
        match self.expiry {
            Expiry::Milliseconds(at) => Some(login.pointer(at)?.as_i64()? / 1000),
            Expiry::Token { token, .. } => {
                let claims = login.pointer(token)?.as_str()?.split('.').nth(1)?;
                let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
                serde_json::from_slice::<Value>(&claims).ok()?.get("exp")?.as_i64()
            }
        }
    }

    /// The login as if it had ended, so that the tool renews it.
    pub fn ended(&self, login: &str) -> Option<String> {
        let mut login: Value = serde_json::from_str(login).ok()?;
        match self.expiry {
            Expiry::Milliseconds(at) => *login.pointer_mut(at)? = 1000.into(),
            Expiry::Token { renewed, .. } => *login.pointer_mut(renewed)? = "2000-01-01T00:00:00Z".into(),
        }
        Some(login.to_string())
    }
}

/// A login without the tokens that renew it. One that is not JSON is a key, which nothing renews.
fn without_renewal(text: &str) -> String {
    let Ok(mut login) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    blank(&mut login);
    login.to_string()
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if value.is_string() && RENEWING.contains(&name.as_str()) {
                    *value = Value::String(String::new());
                }
                blank(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        _ => {}
    }
}

fn json_part(text: &str, keys: &[&str]) -> Result<String, String> {
    let parsed =
        jsonc_parser::parse_to_serde_value::<Option<Value>>(text, &jsonc_parser::ParseOptions::default());
    match parsed.map_err(|error| error.to_string())? {
        None => Ok("{}".into()),
        Some(Value::Object(mut fields)) => {
            fields.retain(|name, _| keys.contains(&name.as_str()));
            Ok(Value::Object(fields).to_string())
        }
        Some(_) => Err("it is not a JSON object".into()),
    }
}

fn toml_part(text: &str, keys: &[&str]) -> Result<String, String> {
    let mut table: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    table.retain(|name, _| keys.contains(&name));
    toml::to_string(&table).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{AgentHome, Expiry, Moved, Renewal, URL_SAFE_NO_PAD, json, login, toml};
    use base64::Engine;

    #[test]
    fn what_is_code_stays_outside() {
        let settings = json(".x.json", &["model", "env"]);
        let part =
            settings.part("{// mine\n\"model\":\"m\",\"mcpServers\":{\"a\":{\"command\":\"sh\"}},}").unwrap();
        assert_eq!(part, r#"{"model":"m"}"#);
        assert_eq!(settings.part("").unwrap(), "{}");
        assert!(settings.part("[1]").is_err() && settings.part("{").is_err());
        let config = toml("x.toml", &["model_providers"]);
        let part = config.part(
            "notify = [\"sh\"]\n[model_providers.a]\nname = \"a\"\n[mcp_servers.b]\ncommand = \"sh\"\n",
        );
        assert_eq!(part.unwrap(), "[model_providers.a]\nname = \"a\"\n");
    }

    #[test]
    fn a_login_gets_in_without_what_renews_it() {
        let file = login("auth.json");
        let part = file.part(
            r#"{"tokens":{"access_token":"a","refresh_token":"r"},"n":[{"refreshToken":"r","refreshed":1}]}"#,
        );
        assert_eq!(
            part.unwrap(),
            r#"{"n":[{"refreshToken":"","refreshed":1}],"tokens":{"access_token":"a","refresh_token":""}}"#
        );
        assert_eq!(file.part("KEY=1\n").unwrap(), "KEY=1\n");
    }

    #[test]
    fn a_login_says_when_it_ends() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":7}"#);
        let token =
            Renewal { login: "", expiry: Expiry::Token { token: "/t/a", renewed: "/last" }, keys: &[] };
        let login = format!(r#"{{"t":{{"a":"x.{claims}.y"}},"last":"2026-01-01T00:00:00Z"}}"#);
        assert_eq!(token.expires(&login), Some(7));
        assert!(token.ended(&login).unwrap().contains("2000-01-01"));
        let plain = Renewal { login: "", expiry: Expiry::Milliseconds("/e"), keys: &[] };
        assert_eq!(plain.expires(r#"{"e":9000}"#), Some(9));
        assert_eq!(plain.ended(r#"{"e":9000,"r":"x"}"#).unwrap(), r#"{"e":1000,"r":"x"}"#);
        assert_eq!((plain.expires("{}"), plain.expires("KEY=1"), plain.ended("{}")), (None, None, None));
    }

    #[test]
    fn a_variable_moves_a_folder_and_what_begins_like_it() {
        let home = AgentHome {
            files: &[],
            seed: None,
            moved: Some(Moved { folder: ".claude", variable: "DIR" }),
            renewal: None,
        };
        let variable = |name: &str| (name == "DIR").then(|| "/d".to_owned());
        assert_eq!(home.moved_path(".claude/a", variable).as_deref(), Some("/d/a"));
        assert_eq!(home.moved_path(".claude.json", variable).as_deref(), Some("/d/.claude.json"));
        assert_eq!(home.moved_path(".other", variable), None);
        assert_eq!(home.moved_path(".claude/a", |_| None), None);
    }
}
