//! Secrets that lie, and libraries that are looked for, where a person's variables put them.

use super::{Held, MEANS};
use crate::support::Out;
use std::fs;
use std::process::Command;

impl Held {
    /// A run with those variables; what is below the root is named by `{root}`.
    fn run_with(&self, variables: &[(&str, &str)]) -> Out {
        let mut command: Command = self.command();
        let root = self.place.root().display().to_string();
        command.envs(variables.iter().map(|(name, value)| (name, value.replace("{root}", &root))));
        Out::of(command.output().unwrap())
    }

    /// Files below the root that hold what nobody may read.
    fn secrets(&self, paths: &[&str]) {
        for path in paths {
            let path = self.outside(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "KEY\n").unwrap();
        }
    }
}

#[test]
fn secrets_are_hidden_wherever_variables_put_them() {
    let secrets = [
        "home/cfg/gh/hosts.yml",
        "home/cfg/git/credentials",
        "home/data/keyrings/login",
        "home/data/opencode/auth.json",
        "home/cargo/credentials.toml",
        "home/keys/ring",
        "home/one.kube",
        "home/two.kube",
        "home/.Xauthority",
    ];
    for means in MEANS {
        let held = Held::new(
            means,
            r#"touch seen.txt
cat "$HOME"/cfg/*/* "$HOME"/data/*/* "$HOME"/cargo/* "$HOME"/keys/* "$HOME"/*.kube "$HOME/.Xauthority" >>seen.txt 2>/dev/null
cat "$HOME/open/fine" >fine.txt"#,
            "[sandbox]\nread = [\"~/open\"]",
        );
        held.secrets(&secrets);
        fs::create_dir_all(held.outside("home/open")).unwrap();
        fs::write(held.outside("home/open/fine"), "fine").unwrap();
        held.run_with(&[
            ("XDG_CONFIG_HOME", "{root}/home/cfg"),
            ("XDG_DATA_HOME", "{root}/home/data"),
            ("CARGO_HOME", "{root}/home/cargo"),
            ("GNUPGHOME", "{root}/home/keys"),
            ("KUBECONFIG", "{root}/home/one.kube:{root}/home/two.kube"),
            // Neither is a place for secrets.
            ("HISTFILE", "/dev/null"),
            ("DOCKER_CONFIG", "{root}/home"),
        ])
        .ok();
        assert_eq!((held.made("seen.txt"), held.made("fine.txt")), (String::new(), "fine".into()), "{means}");
    }
}

#[test]
fn an_agent_with_another_home_sees_nothing_there() {
    for means in MEANS {
        let held = Held::new(
            means,
            "cat \"$HOME/.ssh/id\" \"$HOME/.netrc\" \"$HOME/fine\" >made.txt 2>/dev/null; true",
            "",
        );
        held.secrets(&["other/.ssh/id", "other/.netrc"]);
        fs::write(held.outside("other/fine"), "fine").unwrap();
        let home = held.outside("other").display().to_string();
        let personal = format!(
            "version = 1\n[agents.own]\ncommand = [\"fake\"]\nvendor = \"acme\"\nenv = {{ HOME = \"{home}\" }}\n"
        );
        let config = held.outside("home/.config/git-flow-ai/config.toml");
        fs::create_dir_all(config.parent().unwrap()).unwrap();
        fs::write(config, personal).unwrap();
        held.place.flow(&["run", "demo", "--no-review", "--agent", "own"]).ok();
        assert_eq!(held.made("made.txt"), "", "{means}");
    }
}

#[test]
fn a_state_that_holds_the_whole_home_opens_nothing() {
    for means in MEANS {
        let held = Held::new(means, "(echo bad >\"$HOME/.bashrc\") 2>/dev/null; echo made >made.txt", "");
        held.secrets(&["home/.bashrc"]);
        let fake = held.outside("bin/fake");
        fs::copy(&fake, held.outside("bin/claude")).unwrap();
        let config = held.outside("home/.config/git-flow-ai/config.toml");
        fs::create_dir_all(config.parent().unwrap()).unwrap();
        fs::write(config, "version = 1\n[agents.claude]\npreset = \"claude\"\n").unwrap();
        for place in ["{root}/home", "{root}/home/", "{root}/home/../home", "/"] {
            let mut command = held.place.command("git-flow-ai");
            command.args(["run", "demo", "--no-review", "--agent", "claude", "--retry"]);
            command
                .env("CLAUDE_CONFIG_DIR", place.replace("{root}", &held.place.root().display().to_string()));
            Out::of(command.output().unwrap());
            assert_eq!(held.made("made.txt"), "made\n", "{means}: it ran with {place}");
            held.place.git(&["branch", "-D", "flow/demo/it"]).ok();
            assert_eq!(
                fs::read_to_string(held.outside("home/.bashrc")).unwrap(),
                "KEY\n",
                "{means}: {place}"
            );
        }
    }
}

#[test]
fn tokens_with_a_toolchains_prefix_stay_outside() {
    for means in MEANS {
        let held = Held::new(means, "env >made.txt", "[sandbox]\nenv = [\"UV_NAMED_TOKEN\"]\n");
        held.run_with(&[
            ("UV_PUBLISH_TOKEN", "KEY"),
            ("YARN_NPM_AUTH_TOKEN", "KEY"),
            ("COREPACK_NPM_PASSWORD", "KEY"),
            ("MISE_GITHUB_TOKEN", "KEY"),
            ("UV_INDEX_URL", "https://ada:hunter2KEY@example.com/simple"),
            ("UV_OFFLINE", "1"),
            ("UV_NAMED_TOKEN", "asked-for"),
        ])
        .ok();
        let made = held.made("made.txt");
        assert!(!made.contains("KEY"), "{means}: {made}");
        assert!(
            made.contains("UV_OFFLINE=1") && made.contains("UV_NAMED_TOKEN=asked-for"),
            "{means}: {made}"
        );
    }
}

#[test]
fn no_library_of_an_agent_is_loaded_into_what_holds_it() {
    for means in MEANS {
        // An empty part of the path is the folder that one is in. What is no library stops whoever loads it.
        let held = Held::new(
            means,
            "for name in gcc_s.so.1 m.so.6 cap.so.2; do echo bad >lib$name; done; echo \"$LD_LIBRARY_PATH\" >made.txt",
            "verify = 'test \"$LD_LIBRARY_PATH\" = /nowhere:'",
        );
        held.run_with(&[("LD_LIBRARY_PATH", "/nowhere:")]).ok();
        assert_eq!(held.made("made.txt"), "/nowhere:\n", "{means}: the command has it");
    }
}

#[test]
fn a_folder_that_somebody_left_open_leads_nowhere() {
    for means in MEANS {
        let held = Held::new(
            means,
            "cat /proc/self/fd/9/id >made.txt 2>/dev/null; (echo bad >/proc/self/fd/9/planted) 2>/dev/null; touch made.txt",
            "",
        );
        held.secrets(&["home/.ssh/id"]);
        let mut command = held.place.command("sh");
        command.args(["-c", "exec git-flow-ai run demo --no-review 9<\"$HOME/.ssh\""]);
        Out::of(command.output().unwrap()).ok();
        assert_eq!(held.made("made.txt"), "", "{means}");
        assert!(!held.outside("home/.ssh/planted").exists(), "{means}");
    }
}
