//! Secrets that stand in a repository's config, where everybody who clones it reads them.

use super::Config;
use crate::domain::error::{Result, hint};
use crate::domain::secret;

/// A shorter value is a setting, whatever its name, in bytes.
const SHORTEST: usize = 16;

impl Config {
    /// Refuses a repository's config that holds a secret, or what looks like one; `is_secret` knows those
    /// that this process was given.
    ///
    /// # Errors
    /// As said, with the place, and never with the value.
    pub fn refuse_secrets(&self, origin: &str, is_secret: fn(&str) -> bool) -> Result<()> {
        for (name, agent) in &self.agents {
            let table = format!("[agents.{name}]");
            for (variable, value) in &agent.env {
                let is_named = secret::is_secret_name(variable) && looks_random(value);
                refuse(is_named || is_secret(value), origin, &format!("{variable} under `env` of {table}"))?;
            }
            let commands = [("command", &agent.command), ("review_command", &agent.review_command)];
            let commands = commands.into_iter().filter_map(|(key, words)| Some((key, words.as_ref()?)));
            for (key, words) in commands.chain([("args", &agent.args)]) {
                let is_flag = |pair: &[String]| {
                    secret::is_secret_name(pair[0].trim_start_matches('-')) && looks_random(&pair[1])
                };
                let holds = words.windows(2).any(is_flag) || words.iter().any(|word| is_secret(word));
                refuse(holds, origin, &format!("`{key}` of {table}"))?;
            }
        }
        for (name, reviewer) in &self.reviewers {
            let holds = reviewer.base_url.as_ref().is_some_and(|url| names_person(url) || is_secret(url));
            refuse(holds, origin, &format!("`base_url` of [reviewers.{name}]"))?;
        }
        let run = [("setup", &self.run.setup), ("verify", &self.run.verify)];
        for (key, command) in run {
            refuse(command.as_deref().is_some_and(is_secret), origin, &format!("`{key}` of [run]"))?;
        }
        Ok(())
    }
}

fn refuse(holds: bool, origin: &str, place: &str) -> Result<()> {
    match holds {
        true => Err(hint(
            format!("{origin}: {place} holds a secret, or what looks like one, for everybody who reads it"),
            "take it out, and change it where it is in the history; a person keeps keys in the environment, or says \
             in their own file which command prints them (env_command, key_command)",
        )),
        false => Ok(()),
    }
}

/// Letters and digits without a meaning, and not the name of a file, a variable or a model.
fn looks_random(value: &str) -> bool {
    let has = |wanted: fn(&u8) -> bool| value.as_bytes().iter().any(wanted);
    value.len() >= SHORTEST
        && !value.starts_with(['/', '~', '$', '.'])
        && !value.contains("://")
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
}

/// Whether an address holds a name or a password before its host.
fn names_person(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@'))
}

#[cfg(test)]
mod tests {
    use crate::domain::config::parse;
    use crate::domain::secret::find_patterns;

    fn looks_secret(text: &str) -> bool {
        !find_patterns(text).is_empty()
    }

    #[test]
    fn a_secret_in_the_repository_is_refused_with_its_place_and_without_its_value() {
        let key = ["sk-proj-", "0123456789abcdefghijABCDEFGHIJ"].concat();
        for (text, place) in [
            (format!("env = {{ X = \"{key}\" }}"), "X under `env` of [agents.a]"),
            ("env = { MY_TOKEN = \"0a1b2c3d4e5f6a7b\" }".to_owned(), "MY_TOKEN under `env`"),
            ("env = { HTTPS_PROXY = \"http://ada:hunter2@proxy:1\" }".to_owned(), "HTTPS_PROXY under `env`"),
            (format!("args = [\"--key\", \"{key}\"]"), "`args` of [agents.a]"),
            ("args = [\"--api-key\", \"0a1b2c3d4e5f6a7b\"]".to_owned(), "`args` of [agents.a]"),
        ] {
            let config = parse(&format!("version = 1\n[agents.a]\npreset = \"claude\"\n{text}\n"), "c")
                .expect("reads");
            let error = config.refuse_secrets("c", looks_secret).expect_err(&text).to_string();
            assert!(error.contains(place) && !error.contains("0123") && !error.contains("0a1b"), "{error}");
        }
        for url in [
            "https://key@api.example/v1",
            "https://a:b@api.example",
            "https://api.example/?api_key=0123456789abcdefghij",
        ] {
            let text = format!(
                "version = 1\n[reviewers.r]\napi = \"openai\"\nmodel = \"m\"\nbase_url = \"{url}\"\n"
            );
            let error = parse(&text, "c").expect("reads").refuse_secrets("c", looks_secret).expect_err(url);
            assert!(error.to_string().contains("`base_url` of [reviewers.r]"), "{error}");
        }
    }

    #[test]
    fn settings_that_are_no_secrets_stay() {
        let text = "version = 1\n[run]\nverify = \"SECRET_KEY=test make test\"\n[agents.a]\npreset = \"claude\"\n\
            args = [\"--max-tokens\", \"32000\", \"--key-file\", \"/etc/keys/of-agents-2026\"]\n\
            env = { OPENAI_API_KEY = \"ollama\", KEY_FILE = \"/home/x/0123456789\", MAX_THINKING_TOKENS = \"32000\", AUTH = \"$MY_AUTH_0123456\" }\n";
        parse(text, "c").expect("reads").refuse_secrets("c", looks_secret).expect("nothing of it is secret");
    }
}
