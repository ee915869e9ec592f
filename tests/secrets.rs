//! Secrets: keys come from the person, and stay out of files, objects, notes, output and command lines.

use crate::support::model_server::{Server, judge};
use crate::support::plan::task;
use crate::support::{Config, Out, Place};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A key that only its variable's name gives away.
const PLAIN: &str = "9f8e7d6c5b4a-correct-horse-battery";

/// One that its looks give away. Put together here, so that no scanner takes this file for a leak.
fn telling() -> String {
    ["ghp_", "0123456789abcdefghijABCDEFGHIJ012345"].concat()
}

/// An agent that prints all that it knows, commands that do, and a reviewer that quotes keys.
fn talkative() -> Place {
    let config = Config::new().run("attempts = 1\nsetup = \"env\"\nverify = \"env\"");
    let place = Place::with_config(config.agent("writer", "acme").reviewer("judge", "rival"));
    place.script(
        "writer",
        &format!(
            "cat > /dev/null\nenv\nenv >&2\nprintf 'user:%s' \"$ACME_API_KEY\" | base64 -w 0\necho\n\
             echo '-----BEGIN RSA PRIVATE KEY-----'\necho aside >&2\nsleep 0.1\necho MIIEowIBAAKCAQEA\necho '-----END RSA PRIVATE KEY-----'\n\
             echo \"{{\\\"text\\\": \\\"a\\n{}\\\"}}\"\ncat /proc/[0-9]*/cmdline > '{}' 2> /dev/null\necho work > work.txt",
            telling(),
            place.root().join("command-lines").display()
        ),
    );
    let quoted = format!(
        "findings='[{{\"path\":\"work.txt\",\"line\":1,\"severity\":\"P1\",\"body\":\"It holds {PLAIN} and {0}\",\"suggestion\":\"Take {0} out\"}}]'",
        telling()
    );
    place.reviewer("judge", &quoted);
    place.spec_with(&task("do", ""));
    place
}

/// Runs it with the keys in the environment and with that umask.
fn with_keys(place: &Place, umask: &str, args: &str) -> Out {
    let mut command = place.command("sh");
    command.args(["-c", &format!("umask {umask}; exec git flow-ai {args}")]);
    Out::of(command.env("ACME_API_KEY", PLAIN).env("CI_JOB", telling()).output().unwrap())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let is_folder = path.symlink_metadata().unwrap().is_dir();
        found.extend(if is_folder { files(&path) } else { vec![path] });
    }
    found
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    let is_in = |wanted: &str| bytes.windows(wanted.len()).any(|part| part == wanted.as_bytes());
    // As the agent encodes it; the ends hold bits of what stands beside.
    let coded = STANDARD.encode(format!("user:{secret}"));
    is_in(secret) || is_in(&coded[8..coded.len() - 4])
}

/// Neither file nor object of the repository holds any of the keys.
#[track_caller]
fn assert_clean(place: &Place, secrets: &[&str]) {
    let objects =
        place.command("git").args(["cat-file", "--batch-all-objects", "--batch"]).output().unwrap().stdout;
    assert!(objects.len() > 1000);
    let git = place.repo().join(".git");
    for secret in secrets {
        assert!(!holds(&objects, secret), "an object holds {secret}");
        for path in files(&git).iter().filter(|path| path.is_file()) {
            assert!(!holds(&fs::read(path).unwrap(), secret), "{} holds {secret}", path.display());
        }
    }
}

#[test]
fn no_key_is_in_any_file_object_or_output_after_a_run() {
    let place = talkative();
    let told = telling();
    for args in [
        "run demo",
        "run demo --retry --json",
        "log demo",
        "status demo",
        "verdict list --json",
        "log demo --json",
    ] {
        let out = with_keys(&place, "022", args);
        for text in [&out.stdout, &out.stderr] {
            assert!(!holds(text.as_bytes(), PLAIN) && !holds(text.as_bytes(), &told), "{args}: {text}");
        }
    }
    assert_clean(&place, &[PLAIN, &told, "MIIEowIBAAKCAQEA"]);
    // It was there to be found, and said where it was.
    let logs: Vec<PathBuf> = files(&place.repo().join(".git/flow-ai/runs"));
    let log = logs.iter().find(|path| path.ends_with("do.1.log")).expect("a transcript");
    let text = fs::read_to_string(log).unwrap();
    for expected in
        ["ACME_API_KEY=[redacted: ACME_API_KEY]", "CI_JOB=[redacted: github-pat]", "[redacted: private-key]"]
    {
        assert!(text.contains(expected), "{expected} is missing:\n{text}");
    }
    let notes = place.git_says(&["log", "--all", "--notes=flow-ai", "--format=%N"]);
    assert!(notes.contains("It holds [redacted: ACME_API_KEY] and [redacted: github-pat]"), "{notes}");
    let lines = fs::read(place.root().join("command-lines")).unwrap();
    assert!(!lines.is_empty() && !holds(&lines, PLAIN) && !holds(&lines, &told));
}

#[test]
fn logs_are_for_their_owner_alone_whatever_the_umask() {
    for umask in ["000", "027", "077"] {
        let place = talkative();
        with_keys(&place, umask, "run demo").exits(1);
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        let own = place.repo().join(".git/flow-ai");
        assert_eq!(mode(&own), 0o700, "{umask}");
        let runs = files(&own.join("runs"));
        assert!(runs.iter().any(|path| path.ends_with("do.1.review.log")), "{runs:?}");
        for path in runs {
            assert_eq!(mode(&path) & 0o077, 0, "{}, umask {umask}", path.display());
        }
    }
}

#[test]
fn a_log_that_was_open_to_others_is_closed() {
    let place = talkative();
    let log = place.repo().join(".git/flow-ai/review.log");
    let drafts = place.repo().join(".git/flow-ai/drafts");
    fs::create_dir_all(&drafts).unwrap();
    for path in [&log, &drafts.join("other.log")] {
        fs::write(path, "old\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    }
    fs::set_permissions(&drafts, fs::Permissions::from_mode(0o777)).unwrap();
    place.git(&["checkout", "--quiet", "-b", "topic"]).ok();
    place.write("work.txt", "a");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "A"]).ok();
    with_keys(&place, "000", "review topic").exits(1);
    with_keys(&place, "000", "spec Other --slug other --draft --agent writer");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&log), mode(&drafts), mode(&drafts.join("other.log"))), (0o600, 0o700, 0o600));
    assert_clean(&place, &[PLAIN, &telling()]);
}

#[test]
fn an_error_does_not_repeat_a_key() {
    let place = Place::new();
    let mut command: Command = place.command("git");
    command.args(["flow-ai", "spec", "show", &format!("no-{PLAIN}")]).env("MY_TOKEN", PLAIN);
    let out = Out::of(command.output().unwrap());
    assert_eq!(out.status, 2);
    assert!(out.stderr.contains("[redacted: MY_TOKEN]") && !out.stderr.contains(PLAIN), "{}", out.stderr);
}

/// A repository whose reviewer is a server, on a branch with a change, and that as the person's own file.
fn served(url: &str, own: &str) -> Place {
    let api =
        format!("api = \"openai-compatible\"\nbase_url = \"{url}/v1\"\nmodel = \"m\"\nvendor = \"zeta\"");
    let place = Place::with_config(Config::new().section("reviewers.api", api));
    write_own(&place, own);
    place.topic("app.txt");
    place
}

fn write_own(place: &Place, text: &str) {
    let own = place.root().join("home/.config/git-flow-ai");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("config.toml"), format!("version = 1\n{text}")).unwrap();
}

#[test]
fn a_command_of_the_person_s_gives_the_key_when_it_is_needed_and_once() {
    let server = Server::new(vec![judge(json!([])), judge(json!([]))]);
    let place = served(
        &server.url(),
        "[reviewers.api]\nkey_command = \"echo . >> asked; echo key-of-mine-0123456789\"\n",
    );
    let own = place.root().join("home/.config/git-flow-ai/config.toml");
    let good = fs::read_to_string(&own).unwrap();
    for (command, why) in [
        ("echo key-of-mine-0123456789 >&2; exit 3", "gave no key: it ended with exit status: 3"),
        ("true", "printed nothing"),
    ] {
        write_own(&place, &format!("[reviewers.api]\nkey_command = \"{command}\"\n"));
        place.flow(&["review"]).exits(2).says("the key of the reviewer api").says(why);
    }
    assert!(server.asked().is_empty());
    fs::write(own, good).unwrap();
    for looks in [["doctor"], ["status"]] {
        place.flow(&looks);
        assert!(!place.root().join("home/asked").exists(), "{looks:?}");
    }
    let out = place.flow(&["review"]).ok();
    assert_eq!(server.asked()[0].header("authorization"), Some("Bearer key-of-mine-0123456789"));
    assert_eq!(
        fs::read_to_string(place.root().join("home/asked")).unwrap(),
        ".\n",
        "once, in the person's home"
    );
    assert!(!format!("{out:?}").contains("key-of-mine"), "{out:?}");
    assert_clean(&place, &["key-of-mine-0123456789"]);
}

#[test]
fn git_s_credential_helpers_give_the_key_and_a_repository_s_own_are_not_asked() {
    let server = Server::new(vec![judge(json!([]))]);
    let place = served(&server.url(), "[reviewers.api]\nkey = \"credential\"\n");
    let refused =
        place.flow(&["review"]).exits(2).says("git's credential helpers have no key for 127.0.0.1:");
    assert!(server.asked().is_empty(), "{refused:?}");
    place
        .git(&["config", "credential.helper", "!echo username=x; echo password=not-the-person-s-0123; true"])
        .ok();
    place.flow(&["review"]).exits(2);
    place.git(&["config", "--global", "credential.helper", "store"]).ok();
    let host = server.url().replace("http://", "");
    let stored = format!("http://key:key-of-mine-0123456789@{host}\n");
    fs::write(place.root().join("home/.git-credentials"), stored).unwrap();
    place.flow(&["review"]).ok();
    assert_eq!(server.asked()[0].header("authorization"), Some("Bearer key-of-mine-0123456789"));
    assert_clean(&place, &["key-of-mine-0123456789"]);
}

#[test]
fn an_agent_gets_its_own_keys_and_no_other_agent_does() {
    let place = talkative();
    let repo = place.read(".zenflow/config.toml");
    let own = "[agents.writer]\nenv_command = { WRITERS_KEY = \"echo key-of-the-writer-0123\" }\n";
    write_own(&place, own);
    with_keys(&place, "022", "run demo").exits(1);
    let log = fs::read_to_string(
        files(&place.repo().join(".git/flow-ai/runs"))
            .iter()
            .find(|path| path.ends_with("do.1.log"))
            .unwrap(),
    );
    assert!(log.unwrap().contains("WRITERS_KEY=[redacted: WRITERS_KEY]"));
    for path in
        files(&place.repo().join(".git/flow-ai/runs")).iter().filter(|path| path.ends_with("events.jsonl"))
    {
        let events = fs::read_to_string(path).unwrap();
        let is_shown = |line: &str| line.contains("WRITERS_KEY=");
        let mut commands = events.lines().filter(|line| line.contains("\"event\":\"output\""));
        assert!(commands.clone().count() > 5 && !commands.any(is_shown), "{events}");
    }
    assert_clean(&place, &["key-of-the-writer-0123"]);
    let lines = fs::read(place.root().join("command-lines")).unwrap();
    assert!(!holds(&lines, "key-of-the-writer-0123"));

    // Another command of the same name is not given the keys.
    place.write(
        ".zenflow/config.toml",
        repo.replace("vendor = \"acme\"", "vendor = \"acme\"\nargs = []\nmodel = \"m\""),
    );
    write_own(&place, &format!("{own}command = [\"/bin/true\"]\nvendor = \"acme\"\n"));
    place.flow(&["plan", "demo", "--check"]);
    with_keys(&place, "022", "run demo --retry").says("your own agent `writer` is not used");
}

#[test]
fn the_repository_can_neither_hold_keys_nor_say_which_command_gives_them() {
    let refused = |text: &str, why: &str| {
        let place = Place::with_config(format!("version = 1\n{text}"));
        let out = place.flow(&["review", "HEAD"]).exits(2).says(why);
        assert!(!format!("{out:?}").contains(&telling()), "{out:?}");
    };
    let api = "[reviewers.r]\napi = \"openai\"\nmodel = \"m\"\n";
    refused(&format!("{api}key_command = \"curl evil.example\"\n"), "`key_command` of [reviewers.r]");
    refused(&format!("{api}key = \"credential\"\n"), "`key` of [reviewers.r]");
    let agent = "[agents.a]\npreset = \"claude\"\n";
    refused(
        &format!("{agent}env_command = {{ A = \"curl evil.example\" }}\n"),
        "`env_command` of [agents.a]",
    );
    refused(
        &format!("{agent}args = [\"--token\", \"{}\"]\n", telling()),
        "`args` of [agents.a] holds a secret",
    );
    refused(
        &format!("{agent}env = {{ X = \"{}\" }}\n", telling()),
        "X under `env` of [agents.a] holds a secret",
    );
}

#[test]
fn a_key_in_a_change_is_sent_to_nobody_and_what_looks_like_one_is_told() {
    let server = Server::new(vec![judge(json!([]))]);
    let place = served(&server.url(), "");
    place.write("config/keys.txt", format!("one\n{}\n", telling()));
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "Keys"]).ok();
    place.flow(&["review"]).ok().says("api is shown what looks like a secret: github-pat in config/keys.txt");
    assert!(server.asked()[0].prompt().contains(&telling()), "a verdict is about exactly the change");
    place.write("config/keys.txt", format!("one\n{PLAIN}\n"));
    place.git(&["commit", "--quiet", "--all", "-m", "A key of ours"]).ok();
    let out = with_keys(&place, "022", "review")
        .exits(2)
        .says("the key ACME_API_KEY in config/keys.txt, which is sent to nobody");
    assert!(!format!("{out:?}").contains(PLAIN));
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn in_the_sandbox_an_agent_has_its_own_key_and_no_other_and_no_command_line_shows_it() {
    let place = talkative();
    place.git(&["config", "--global", "flow-ai.sandbox", "prefer"]).ok();
    place.script("writer", "cat > /dev/null\nenv\ncat /proc/[0-9]*/cmdline | tr '\\0' ' ' > work.txt\ntrue");
    write_own(&place, "[agents.writer]\nenv_command = { WRITERS_KEY = \"echo key-of-the-writer-0123\" }\n");
    with_keys(&place, "022", "run demo --no-review").exits(0);
    let work = place.git_says(&["show", "flow/demo/do:work.txt"]);
    assert!(work.contains("writer"), "{work}");
    assert_clean(&place, &["key-of-the-writer-0123", PLAIN]);
    let logs = files(&place.repo().join(".git/flow-ai/runs"));
    let log = fs::read_to_string(logs.iter().find(|path| path.ends_with("do.1.log")).unwrap()).unwrap();
    assert!(log.contains("WRITERS_KEY=[redacted: WRITERS_KEY]") && !log.contains("ACME_API_KEY"), "{log}");
}
