//! The policy that a change brings: one that nobody could work under does not enter, one that is there all the
//! same can be repaired through the gate, and every valid one enters.

use crate::support::verdicts::author;
use crate::support::{Config, Out, Place};
use git_flow_ai::domain::verdict::Verdict;
use git_flow_ai::gate::admit::{self, Candidate, New, Ruling};
use git_flow_ai::gate::store::Repo;
use std::fs;

const CONFIG: &str = ".zenflow/config.toml";
const NOTES: &str = "refs/notes/flow-ai";

fn config() -> Config {
    let config = Config::new().gate("branches = [\"main\"]\nreview_on_merge = false");
    config.run("parallel = 3").reviewer("judge", "zeta")
}

/// `main` is protected, here and on the server `origin`; `judge` approves whatever it is shown.
fn place() -> Place {
    let place = Place::with_config(config());
    place.reviewer("judge", "");
    place.put_up_hooks();
    let server = place.server("origin");
    place.flow_in(&server, &["init"]).ok();
    place
}

/// A branch `topic` off `main` with what `edit` makes, which the reviewer has approved.
fn topic(place: &Place, edit: impl FnOnce(&Place)) {
    place.git(&["switch", "--quiet", "-C", "topic", "main"]).ok();
    edit(place);
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "Topic"]).ok();
    place.flow(&["review", "topic"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
}

/// Tries to bring `topic` in, here and past the hooks here to the server: both must refuse it, and say why.
#[track_caller]
fn stays_out(place: &Place, why: &[&str]) {
    let tip = place.id("main");
    let says = |out: Out| why.iter().fold(out, |out, why| out.says(why));
    says(place.git(&["merge", "topic"]).exits(128));
    says(place.flow(&["check", "topic", "--target", "main"]).exits(1));
    says(place.git(&["push", "--no-verify", "--quiet", "origin", "topic:main", NOTES]).exits(1));
    assert_eq!(place.id("main"), tip);
    assert_eq!(server_tip(place, "main"), Some(tip));
}

/// Brings `topic` in, here and on the server.
#[track_caller]
fn enters(place: &Place) {
    place.flow(&["check", "topic", "--target", "main"]).ok();
    place.git(&["merge", "--quiet", "--no-edit", "topic"]).ok();
    place.flow(&["push", "origin", "main"]).ok();
    assert_eq!(server_tip(place, "main"), Some(place.id("main")));
}

fn server_tip(place: &Place, branch: &str) -> Option<String> {
    let out = place.git_in(&place.root().join("origin.git"), &["rev-parse", "--verify", "--quiet", branch]);
    (out.status == 0).then(|| out.stdout.trim().to_owned())
}

/// Brings that config into `main`, here and on the server, past both.
fn past_the_gate(place: &Place, text: &str) {
    place.write(CONFIG, text);
    place.ungated(&["commit", "--quiet", "--all", "-m", "Break it"]).ok();
    let off = "--receive-pack=git -c core.hooksPath=/dev/null receive-pack";
    place.ungated(&["push", "--quiet", off, "origin", "main"]).ok();
}

#[test]
fn a_policy_that_nobody_could_work_under_does_not_enter_whoever_approved_it() {
    let place = place();
    let with = |text: String| move |place: &Place| place.write(CONFIG, &text);
    let misspelt = config().to_string().replace("parallel", "paralel");
    topic(&place, with(misspelt));
    stays_out(
        &place,
        &[
            "config.toml:3:1: unknown field `paralel`",
            "3 | paralel = 3",
            "| ^^^^^^^",
            "did you mean `parallel`?",
        ],
    );
    topic(&place, with(config().gate("approvals = 2").to_string()));
    stays_out(&place, &["`approvals` is 2, and the reviewers are of 1 vendor (zeta)", "approvals = 2"]);
    topic(&place, with(config().gate("[[gate.rule]]\npaths = [\"src/\"]\napprovals = 3").to_string()));
    stays_out(&place, &["`approvals` is 3, and the reviewers are of 1 vendor (zeta)", "ask for at most 1"]);
    topic(&place, with(config().to_string().replace("[reviewers.judge]\nagent = \"judge\"\n", "")));
    stays_out(&place, &["no reviewer is defined"]);
    topic(&place, with(config().to_string().replace("agent = \"judge\"", "agent = \"jugde\"")));
    stays_out(&place, &["needs the agent `jugde`", "did you mean `judge`?"]);
    topic(&place, with(config().gate("signed = true").to_string()));
    stays_out(&place, &["signed = true, and .zenflow/allowed_signers is missing"]);
    topic(&place, |place| {
        place.write(CONFIG, config().gate("signed = true").to_string());
        place.write(".zenflow/allowed_signers", "# nobody yet\n");
    });
    stays_out(&place, &["signed = true, and .zenflow/allowed_signers names nobody"]);
    topic(&place, with(config().gate("waivers = [\"a\", 3]").to_string()));
    stays_out(&place, &["config.toml:", "waivers = [\"a\", 3]"]);
    topic(&place, with(config().to_string().replace("[\"main\"]", "[\"main\", \"release/[\"]")));
    stays_out(&place, &["`release/[` in `branches` means no branch"]);
    topic(&place, with(config().to_string().replace("version = 1", "version = 2")));
    stays_out(&place, &["written by a newer git flow-ai"]);
    for (review, why) in [
        ("budget = 10", "`budget` is 10 bytes, and a request that shows a change takes at least 6000"),
        ("timeout = \"1ms\"", "no reviewer answers in less than a second"),
    ] {
        topic(&place, with(config().review(review).to_string()));
        stays_out(&place, &[why, review]);
    }
    for (rule, why) in [
        ("paths = [\"docs\"]\napprovals = 0\nhuman = true", "must be at least 1"),
        ("paths = [\"[a\"]\nhuman = true", "`[a` in `paths` means no path"),
        ("paths = [\"src\", \".git/hooks\"]\nhuman = true", "`.git/hooks` in `paths` means no path"),
    ] {
        topic(&place, with(config().gate(format!("[[gate.rule]]\n{rule}")).to_string()));
        stays_out(&place, &[why]);
    }
    topic(&place, |place| place.write(".zenflow/settings.json", "{ \"setup_script\": "));
    stays_out(&place, &["settings.json cannot be read"]);
}

#[test]
fn the_config_stays_a_plain_file_in_a_plain_folder() {
    let place = place();
    let path = place.repo().join(CONFIG);
    topic(&place, |place| {
        place.write("elsewhere.toml", config().to_string());
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("../elsewhere.toml", &path).unwrap();
    });
    stays_out(&place, &["is not a plain file or folder there"]);
    topic(&place, |place| {
        fs::remove_file(&path).unwrap();
        place.write(".zenflow/config.toml/config.toml", config().to_string());
    });
    stays_out(&place, &["is not a plain file or folder there"]);
    topic(&place, |place| {
        fs::remove_dir_all(place.repo().join(".zenflow")).unwrap();
        place.write(".zenflow", "a file\n");
    });
    stays_out(&place, &[".zenflow is not a plain file or folder there"]);
    topic(&place, |_| fs::remove_file(&path).unwrap());
    stays_out(&place, &["takes .zenflow/config.toml away", "branches = []"]);
    // On purpose it can be taken off.
    topic(&place, |place| place.write(CONFIG, "version = 1\n[gate]\nbranches = []\n"));
    enters(&place);
}

#[test]
fn a_commit_in_the_middle_brings_no_such_policy_either() {
    let place = place();
    let broken = config().to_string().replace("parallel", "paralel");
    topic(&place, |place| {
        place.commit(CONFIG, broken);
        place.write(CONFIG, config().run("attempts = 2").to_string());
    });
    stays_out(&place, &["unknown field `paralel`"]);
    place.git(&["reset", "--quiet", "--merge", "HEAD"]).ok();
    // A merge is one step, and what it brings is repaired.
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "topic"]).ok();
}

#[test]
fn a_merge_that_git_has_yet_to_make_is_read_too() {
    let place = place();
    topic(&place, |place| place.write(CONFIG, config().to_string().replace("parallel", "paralel")));
    topic_into_main(&place, "other");
    place
        .git(&["merge", "--no-edit", "topic"])
        .exits(128)
        .says("unknown field `paralel`")
        .says("nothing was touched");
    place.flow(&["check", "topic", "--target", "main"]).exits(1).says("unknown field `paralel`");
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
}

/// Another judged change enters first.
fn topic_into_main(place: &Place, path: &str) {
    place.git(&["switch", "--quiet", "-C", "another", "main"]).ok();
    place.commit(path, "other\n");
    place.flow(&["review", "another"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "another"]).ok();
    place.flow(&["push", "origin", "main"]).ok();
}

#[test]
fn a_valid_edit_of_every_key_enters_after_a_review() {
    let example =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.zenflow-example/config.toml")).unwrap();
    let place = Place::with_config(&example);
    place.key("ada", "ed25519");
    let signer = format!("ada@example.com {}\n", place.public("ada"));
    place.commit_saying("Say who signs", ".zenflow/allowed_signers", signer);
    let main = place.id("main");
    let mut keys = Vec::new();
    for (at, line) in example.lines().enumerate() {
        let Some((key, value)) = line.strip_prefix('#').and_then(|line| line.split_once(" = ")) else {
            continue;
        };
        let is_key = key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        // What only a person's own file may say stands there as a comment of another form.
        if !is_key {
            continue;
        }
        let edited = match value.split_once(" #").map_or(value, |(value, _)| value).trim() {
            // A rule has to ask for something.
            "true" if key != "human" => "false".to_owned(),
            "false" => "true".to_owned(),
            number if number.parse::<u32>().is_ok() => (number.parse::<u32>().unwrap() + 1).to_string(),
            other => other.to_owned(),
        };
        let in_rule = example.lines().take(at).any(|line| line == "#[[gate.rule]]");
        let text = example.lines().enumerate().map(|(other, line)| match line {
            _ if other == at => format!("{key} = {edited}\n"),
            // A rule is nothing without its head, its paths and what it asks for.
            "#[[gate.rule]]" if in_rule => "[[gate.rule]]\n".to_owned(),
            _ if in_rule && (line.starts_with("#paths") || line.starts_with("#human")) => {
                format!("{}\n", &line[1..])
            }
            // A model that is pinned has to be named.
            "#model = \"claude-sonnet-4-5\"" if key == "pin_model" => format!("{}\n", &line[1..]),
            "#approvals = 2" if in_rule => "approvals = 2\n".to_owned(),
            _ => format!("{line}\n"),
        });
        let text: String = text.collect();
        place.git(&["switch", "--quiet", "-C", "topic", "main"]).ok();
        place.commit_saying(&format!("Set {key}"), CONFIG, text);
        let verdict = Verdict { reviewer: author("gpt", "openai"), ..place.verdict("main", "topic") };
        place.record(&verdict);
        let repo = Repo::open(&place.repo()).unwrap();
        let new = New::Commit(place.id("topic").parse().unwrap());
        let candidate = Candidate { branch: "main".into(), old: main.parse().unwrap(), new, accepted: None };
        let ruling = admit::admit(&repo, &candidate).unwrap();
        assert!(
            matches!(&ruling, Ruling::Allow(verdicts) if verdicts.len() == 1),
            "{key} = {edited}: {ruling:?}"
        );
        keys.push(key.to_owned());
    }
    for key in
        ["parallel", "sandbox", "budget", "branches", "accept_from", "signed", "paths", "carry", "vendor"]
    {
        assert!(keys.iter().any(|tried| tried == key), "{key} is not tried: {keys:?}");
    }
}

#[test]
fn a_policy_that_cannot_be_read_is_repaired_through_the_gate() {
    let place = place();
    let broken = config().to_string().replace("parallel", "paralel");
    past_the_gate(&place, &broken);
    // Nothing else enters meanwhile, and everybody says what is wrong and how it is repaired.
    for edit in [("new.txt", "new\n".to_owned()), (CONFIG, broken.replace("paralel = 3", "paralel = 4"))] {
        topic(&place, |place| place.write(edit.0, &edit.1));
        stays_out(
            &place,
            &[
                "config.toml:3:1: unknown field `paralel`",
                "did you mean `parallel`?",
                "git switch -c repair-policy main",
            ],
        );
    }
    topic(&place, |place| {
        place.write("new.txt", "new\n");
        place.write(CONFIG, config().to_string());
    });
    stays_out(&place, &["and this changes new.txt too"]);
    place.flow(&["doctor"]).exits(1).says("unknown field `paralel`").says("the policy before it goes on");
    place.flow(&["init"]).exits(2).says("paralel");
    // The hint, pasted; the repair is judged by the policy before.
    place.git(&["switch", "--quiet", "-c", "repair-policy", "main"]).ok();
    place.write(CONFIG, config().to_string());
    place.git(&["commit", "--quiet", "--all", "-m", "Repair it"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "repair-policy"]).exits(128).says("no rival's verdict covers");
    place.flow(&["review", "repair-policy"]).ok();
    place.git(&["branch", "--force", "topic", "repair-policy"]).ok();
    enters(&place);
    place.flow(&["verify"]).ok();
    topic(&place, |place| place.write("new.txt", "new\n"));
    enters(&place);
    place.flow(&["verify"]).ok();
}

#[test]
fn what_was_let_in_before_there_was_this_rule_is_repaired_and_verified() {
    let place = place();
    past_the_gate(&place, &config().to_string().replace("parallel", "paralel"));
    place.git(&["update-ref", "refs/flow-ai/admitted/main", "main"]).ok();
    place.flow(&["verify"]).ok();
    topic(&place, |place| place.write(CONFIG, config().to_string()));
    enters(&place);
    topic(&place, |place| place.write("new.txt", "new\n"));
    enters(&place);
    place.flow(&["verify"]).ok();
}

#[test]
fn limits_within_which_nobody_could_review_are_repaired_through_the_gate() {
    for review in ["budget = 10", "timeout = \"1ms\""] {
        let place = place();
        past_the_gate(&place, &config().review(review).to_string());
        topic(&place, |place| place.write("new.txt", "new\n"));
        stays_out(&place, &["only a change of policy files that repairs it"]);
        topic(&place, |place| place.write(CONFIG, config().to_string()));
        enters(&place);
    }
}

#[test]
fn a_list_of_signers_that_is_gone_is_brought_back_by_one_who_was_on_it() {
    let place = Place::new();
    place.reviewer("judge", "");
    let key = place.key("ada", "ed25519");
    let list = format!("ada@example.com {}\n", place.public("ada"));
    place.commit(CONFIG, config().gate("signed = true").to_string());
    place.commit(".zenflow/allowed_signers", &list);
    place.flow(&["init"]).ok();
    place.ungated(&["rm", "--quiet", ".zenflow/allowed_signers"]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Lose it"]).ok();
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit(".zenflow/allowed_signers", &list);
    place.git(&["switch", "--quiet", "main"]).ok();
    place.record(&Verdict { reviewer: author("judge", "zeta"), ..place.verdict("main", "topic") });
    place.git(&["merge", "topic"]).exits(128).says("it is not signed");
    place.git(&["config", "flow-ai.signingKey", key.to_str().unwrap()]).ok();
    place.flow(&["review", "topic", "--again"]).ok();
    place.git(&["merge", "--quiet", "topic"]).ok();
}

#[test]
fn the_first_config_may_have_a_mistake_and_is_repaired_without_anybody_to_ask() {
    let place = Place::new();
    place.reviewer("judge", "");
    place.write(CONFIG, config().to_string().replace("parallel", "paralel"));
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "Configure"]).ok();
    place.write(CONFIG, config().to_string());
    place.flow(&["init"]).ok();
    place.git(&["checkout", "--quiet", CONFIG]).ok();
    place.write("new.txt", "new\n");
    place.git(&["add", "--all"]).ok();
    place
        .git(&["commit", "-m", "Something else"])
        .exits(1)
        .says("unknown field `paralel`")
        .says("commit it alone");
    place.git(&["reset", "--quiet"]).ok();
    place.write(CONFIG, config().to_string());
    place.git(&["commit", "--quiet", "-m", "Repair it", CONFIG]).ok();
    place.git(&["add", "new.txt"]).ok();
    place.git(&["commit", "-m", "Something else"]).exits(1).says("no rival's verdict covers");
}

#[test]
fn without_anybody_to_judge_nothing_is_protected_until_somebody_is_named() {
    let place = Place::new();
    // No agent is on the PATH here.
    place
        .flow(&["init"])
        .ok()
        .says("defines no reviewer: nothing is protected until there is one")
        .says("add an agent and a reviewer of another vendor to .zenflow/config.toml");
    place.git(&["add", ".zenflow"]).ok();
    place.git(&["commit", "--quiet", "-m", "Configure"]).ok();
    place.flow(&["doctor"]).exits(1).says("nothing is protected yet").says("no reviewer is defined");
    place.commit("new.txt", "nobody could judge it\n");
    place.reviewer("judge", "");
    let text = place.read(CONFIG);
    place.write(CONFIG, format!("{text}[agents.judge]\ncommand = [\"judge\"]\nvendor = \"zeta\"\n[reviewers.judge]\nagent = \"judge\"\n"));
    place.git(&["commit", "--quiet", "--all", "-m", "Name a reviewer"]).ok();
    place.write("more.txt", "more\n");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "-m", "More"]).exits(1).says("no rival's verdict covers");
    place.git(&["reset", "--quiet", "--hard"]).ok();
    // Nobody takes that back later.
    topic(&place, |place| place.write(CONFIG, &text));
    place.git(&["merge", "topic"]).exits(128).says("no reviewer is defined");
}

#[test]
fn the_gate_is_not_taken_off_by_a_name_or_pattern_that_misses() {
    let place = place();
    let branches =
        |list: &str| config().to_string().replace("branches = [\"main\"]", &format!("branches = {list}"));
    for list in ["[\"m[ab]ain\"]", "[\"master\"]", "[\"release/*\"]", "[\"Main\", \"main/**\"]"] {
        topic(&place, |place| place.write(CONFIG, branches(list)));
        stays_out(&place, &["no name or pattern of gate.branches means `main` any more", "branches = []"]);
    }
    topic(&place, |place| place.write(CONFIG, branches("[\"m[ab]in\", \"release/*\"]")));
    enters(&place);
    topic(&place, |place| place.write(CONFIG, branches("[]")));
    enters(&place);
}
