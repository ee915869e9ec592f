//! Signed records, with real keys and the real ssh-keygen: whose signature counts at the gate, and what
//! is refused before anybody is paid.

use crate::support::verdicts::author;
use crate::support::{Out, Place};
use git_flow_ai::domain::verdict::{Decision, Signature, Verdict, record};
use git_flow_ai::gate::signing::{NAMESPACE, SigningKey};
use git_flow_ai::gate::store::Repo;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const ADA: &str = "ada@example.com";

/// A gate that counts Ada's signatures, her key configured, and work on `topic`.
fn signed() -> Place {
    let place = Place::judged("signed = true\nreview_on_merge = false\n", "");
    place.key("ada", "ed25519");
    place.git(&["config", "flow-ai.signingKey", "~/ada"]).ok();
    place.protect(&format!("{ADA} {}\n", place.public("ada")));
    place.topic("new.txt");
    place
}

/// The approval of `topic` by codex, its signature made by that key for that namespace.
fn approval(place: &Place, key: &str, namespace: &str) -> Verdict {
    let verdict = Verdict { time: "2026-06-01T00:00:00Z".parse().unwrap(), ..place.verdict("main", "topic") };
    sign_with(place, verdict, key, namespace)
}

fn sign_with(place: &Place, mut verdict: Verdict, key: &str, namespace: &str) -> Verdict {
    let statement = record::statement(&verdict).unwrap();
    let file = place.root().join("statement");
    let signed = format!("DSSEv1 28 application/vnd.in-toto+json {} {statement}", statement.len());
    fs::write(&file, signed).unwrap();
    let mut keygen = place.command("ssh-keygen");
    keygen
        .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
        .arg(place.root().join("home").join(key))
        .arg(&file);
    Out::of(keygen.output().unwrap()).ok();
    let armour = fs::read_to_string(place.root().join("statement.sig")).unwrap();
    fs::remove_file(place.root().join("statement.sig")).unwrap();
    let body = armour.lines().filter(|line| !line.starts_with('-')).collect();
    verdict.signature = Some(Signature { statement, body });
    verdict
}

#[test]
fn a_review_is_signed_and_the_gate_counts_it() {
    let place = signed();
    place.merge_topic().exits(128).says("no rival's verdict covers");
    place.flow(&["review", "topic"]).ok();
    let note = place.git_says(&["notes", "--ref=flow-ai", "show", "topic"]);
    assert!(note.contains(r#""signature":"U1NIU0lH"#), "{note}");
    place.merge_topic().ok();
    place.flow(&["review", "topic~1..topic"]).ok();
}

#[test]
fn keys_of_every_usual_kind_sign() {
    for kind in ["ecdsa", "rsa"] {
        let place = Place::judged("signed = true\nreview_on_merge = false\n", "");
        place.key("ada", kind);
        place.git(&["config", "gpg.format", "ssh"]).ok();
        place.git(&["config", "user.signingKey", "~/ada.pub"]).ok();
        place.protect(&format!(
            "# People\n\n*@example.com namespaces=\"{NAMESPACE},git\" {}\n",
            place.public("ada")
        ));
        place.topic("new.txt");
        place.flow(&["review", "topic"]).ok();
        place.merge_topic().ok();
    }
}

#[test]
fn only_a_good_signature_of_an_allowed_key_counts() {
    let place = signed();
    place.key("eve", "ed25519");
    let forged = |make: &dyn Fn() -> Verdict, why: &str| {
        place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
        place.record(&make());
        place.merge_topic().exits(128).says("no valid verdict covers").says(why);
    };
    forged(&|| place.verdict("main", "topic"), "it is not signed");
    forged(&|| approval(&place, "eve", NAMESPACE), "nobody on the list of signers");
    forged(&|| approval(&place, "ada", "git"), "namespace does not match");
    forged(&|| approval(&place, "ada", "file"), "namespace does not match");
    // The signature of another record: a block that became an approval.
    let stolen = || {
        let block = Verdict { decision: Decision::RequestChanges, ..place.verdict("main", "topic") };
        let signature = sign_with(&place, block, "ada", NAMESPACE).signature.unwrap();
        let verdict = place.verdict("main", "topic");
        let statement = record::statement(&verdict).unwrap();
        Verdict { signature: Some(Signature { statement, body: signature.body }), ..verdict }
    };
    forged(&stolen, "incorrect signature");
    let garbage = || {
        let mut verdict = approval(&place, "ada", NAMESPACE);
        if let Some(signature) = &mut verdict.signature {
            signature.body = signature.body.replace(|c: char| c.is_ascii_digit(), "A");
        }
        verdict
    };
    place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
    place.record(&garbage());
    place.merge_topic().exits(128).says("no valid verdict covers");
    // And the honest one, last, so that nothing above failed for another reason.
    place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
    place.record(&approval(&place, "ada", NAMESPACE));
    place.merge_topic().ok();
}

/// Another record, under the signature of one that is good.
fn borrowing(good: &Verdict, change: impl Fn(&mut Verdict)) -> Verdict {
    let mut verdict = Verdict { signature: None, ..good.clone() };
    change(&mut verdict);
    let statement = record::statement(&verdict).unwrap();
    let body = good.signature.clone().unwrap().body;
    Verdict { signature: Some(Signature { statement, body }), ..verdict }
}

#[test]
fn what_borrows_a_signature_starts_no_process() {
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let place = Place::judged("signed = true\nreview_on_merge = false\n", "");
        place.key("ada", kind);
        // What a date or a pattern means is for ssh-keygen to say, once the signature is good.
        place.protect(&format!("*@example.com valid-after=\"20200101\" {}\n", place.public("ada")));
        place.topic("new.txt");
        let good = approval(&place, "ada", NAMESPACE);
        for n in 0..20 {
            place.record(&borrowing(&good, |verdict| verdict.summary = format!("Number {n}.")));
        }
        let started = place.root().join("started");
        place.script(
            "ssh-keygen",
            &format!("echo x >> '{}'\nexec /usr/bin/ssh-keygen \"$@\"", started.display()),
        );
        place.merge_topic().exits(128).says("no valid verdict covers").says("incorrect signature");
        assert!(!started.exists(), "{kind}");
        place.record(&good);
        place.merge_topic().ok();
        assert!(started.exists(), "{kind}: the good one, by ssh-keygen's word");
    }
}

#[test]
fn a_plain_line_needs_no_process_and_a_condition_is_never_left_out() {
    for (line, counts) in [
        ("ada@example.com", true),
        ("bob@example.com,ada@example.com namespaces=\"flow-ai-verdict\"", true),
        ("ada@example.com namespaces=\"git\"", false),
        ("!ada@example.com,bob@example.com", true),
        ("!ada@example.com", false),
        ("ada@example.com valid-before=\"20200101\"", false),
        ("ada@example.com cert-authority", false),
    ] {
        let place = Place::judged("signed = true\nreview_on_merge = false\n", "");
        place.key("ada", "ed25519");
        place.protect(&format!("{line} {}\n", place.public("ada")));
        place.topic("new.txt");
        place.record(&approval(&place, "ada", NAMESPACE));
        assert_eq!(place.merge_topic().status == 0, counts, "{line}");
    }
}

#[test]
fn a_record_that_nobody_signed_does_not_say_what_was_shown() {
    let place = signed();
    let good = approval(&place, "ada", NAMESPACE);
    place.record(&good);
    // The same content by another way, with a commit on it that no reviewer was shown.
    place.branch("detour", "main");
    place.commit("secret.txt", "secret\n");
    let secret = place.id("HEAD").parse().unwrap();
    place.git(&["rm", "--quiet", "secret.txt"]).ok();
    place.git(&["checkout", "--quiet", "topic", "--", "new.txt"]).ok();
    place.git(&["commit", "--quiet", "-m", "New"]).ok();
    let end = place.id("HEAD").parse().unwrap();
    let forged = borrowing(&good, |verdict| {
        verdict.head_commit = Some(end);
        verdict.shown.way.as_mut().unwrap().commits = vec![secret, end];
    });
    place.record(&forged);
    place.switch("main");
    let merge = |head| place.git(&["merge", "--quiet", "--no-ff", "-m", "Merge", head]);
    assert_ne!(merge("detour").status, 0);
    place.git(&["merge", "--abort"]);
    merge("topic").ok();
}

#[test]
fn a_forged_block_keeps_nobody_out_and_a_signed_one_does() {
    let place = signed();
    place.record(&approval(&place, "ada", NAMESPACE));
    let block = || Verdict {
        decision: Decision::RequestChanges,
        time: "2026-07-01T00:00:00Z".parse().unwrap(),
        ..place.verdict("main", "topic")
    };
    place.record(&block());
    place.flow(&["review", "topic"]).ok().says("judged already");
    place.record(&sign_with(&place, block(), "ada", NAMESPACE));
    place.merge_topic().exits(128).says("codex (openai) asks for changes");
}

#[test]
fn a_tampered_statement_is_nobodys() {
    let place = signed();
    let mut block = place.verdict("main", "topic");
    block.decision = Decision::RequestChanges;
    place.record(&sign_with(&place, block, "ada", NAMESPACE));
    let note = place.git_says(&["notes", "--ref=flow-ai", "show", "topic"]);
    let tampered = note.replace("REQUEST CHANGES", "APPROVE");
    place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
    place.git(&["notes", "--ref=flow-ai", "add", "-m", &tampered, "topic"]).ok();
    place.merge_topic().exits(128).says("incorrect signature");
}

#[test]
fn a_key_counts_while_it_is_valid_and_as_long_as_it_is_listed() {
    for (options, line_stays, counts) in [
        ("valid-after=\"20260101\" ", true, true),
        ("valid-before=\"20260701\" ", true, true),
        ("valid-before=\"20260501\" ", true, false),
        ("valid-after=\"20260602\" ", true, false),
        ("", false, false),
    ] {
        let place = Place::judged("signed = true\nreview_on_merge = false\n", "");
        place.key("ada", "ed25519");
        place.key("bob", "ed25519");
        let ada = format!("{ADA} {options}{}\n", place.public("ada"));
        let bob = format!("bob@example.com {}\n", place.public("bob"));
        place.protect(&if line_stays { ada + &bob } else { bob });
        place.topic("new.txt");
        place.record(&approval(&place, "ada", NAMESPACE));
        place.merge_topic().exits(if counts { 0 } else { 128 });
    }
}

#[test]
fn what_a_person_said_only_that_person_signs() {
    let place =
        Place::judged("signed = true\nreview_on_merge = false\nwaivers = [\"ada@example.com\"]\n", "");
    for name in ["ada", "bob"] {
        place.key(name, "ed25519");
    }
    let lines =
        [format!("{ADA} {}", place.public("ada")), format!("bob@example.com {}", place.public("bob"))];
    place.protect(&(lines.join("\n") + "\n"));
    place.topic("new.txt");
    let waiver = || Verdict {
        decision: Decision::Waive,
        reviewer: author("Ada Lovelace <ada@example.com>", "person"),
        ..place.verdict("main", "topic")
    };
    place.record(&sign_with(&place, waiver(), "bob", NAMESPACE));
    place.merge_topic().exits(128).says("its signature is not good for ada@example.com");
    place.record(&sign_with(&place, waiver(), "ada", NAMESPACE));
    place.merge_topic().ok();
}

#[test]
fn the_list_is_the_targets_not_the_changes() {
    let place = signed();
    place.key("eve", "ed25519");
    place.write(".zenflow/allowed_signers", format!("eve@example.com {}\n", place.public("eve")));
    place.git(&["commit", "--quiet", "-am", "Let Eve sign"]).ok();
    place.record(&approval(&place, "eve", NAMESPACE));
    place.merge_topic().exits(128).says("nobody on the list of signers");
    place.record(&approval(&place, "ada", NAMESPACE));
    place.merge_topic().ok();
}

#[test]
fn without_a_list_that_can_be_read_nobody_can_tell() {
    for (allowed, why) in [
        ("", "names nobody"),
        ("# nobody\n", "names nobody"),
        ("ada@example.com\n", "is malformed in line 1"),
        ("# me\nada@example.com ssh-ed25519 not/a-key\n", "is malformed in line 2"),
    ] {
        let place = Place::judged("signed = true\nreview_on_merge = false\n", "");
        place.key("ada", "ed25519");
        place.protect(allowed);
        place.topic("new.txt");
        place.record(&approval(&place, "ada", NAMESPACE));
        place.merge_topic().exits(128).says(why).says("hint: commit .zenflow/allowed_signers with it");
    }
    // What a pattern means is for ssh-keygen to say.
    let place = Place::judged("signed = true\nreview_on_merge = false\n", "");
    place.key("ada", "ed25519");
    place.protect(&format!("*@example.com {}\n", place.public("ada")));
    place.topic("new.txt");
    place.record(&approval(&place, "ada", NAMESPACE));
    let hidden = place.script("ssh-keygen", "echo 'usage: ssh-keygen' >&2; exit 1");
    place.merge_topic().exits(128).says("too old");
    fs::remove_file(hidden).unwrap();
    // A PATH that has everything but ssh-keygen.
    let bin = place.root().join("lean");
    fs::create_dir(&bin).unwrap();
    for tool in ["git", "sh", "sed", "cat", "uname", "basename"] {
        let found = place.command("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
        std::os::unix::fs::symlink(String::from_utf8(found.stdout).unwrap().trim(), bin.join(tool)).unwrap();
    }
    let program = PathBuf::from(env!("CARGO_BIN_EXE_git-flow-ai"));
    std::os::unix::fs::symlink(&program, bin.join("git-flow-ai")).unwrap();
    let mut merge = place.command("git");
    let out = Out::of(merge.env("PATH", &bin).args(["merge", "--quiet", "topic"]).output().unwrap());
    out.exits(128)
        .says("`ssh-keygen`, which signs and checks records, cannot be run")
        .says("install OpenSSH");
}

#[test]
fn nobody_is_paid_for_a_verdict_that_cannot_be_signed() {
    let place = Place::judged("signed = true\n", "echo asked >> \"$HOME/asked\"");
    place.key("ada", "ed25519");
    place.key("eve", "ed25519");
    place.protect(&format!("{ADA} {}\n", place.public("ada")));
    place.topic("new.txt");
    let review = || place.flow(&["review", "topic"]);
    review().exits(2).says("no key is configured").says("git config --global flow-ai.signingKey");
    place.merge_topic().exits(128).says("no key is configured");
    place.git(&["config", "flow-ai.signingKey", "~/gone"]).ok();
    review().exits(2).says("home/gone cannot sign").says("name one that is there");
    place.git(&["config", "flow-ai.signingKey", "~/eve"]).ok();
    review().exits(2).says("does not name them").says("have your address and your public key added");
    place.git(&["config", "flow-ai.signingKey", "~/ada"]).ok();
    let mode =
        |mode| fs::set_permissions(place.root().join("home/ada"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    review().exits(2).says("others may read the key").says("chmod 600 ");
    mode(0o600);
    let mut keygen = place.command("ssh-keygen");
    keygen.args(["-q", "-p", "-N", "secret", "-P", "", "-f"]).arg(place.root().join("home/ada"));
    Out::of(keygen.output().unwrap()).ok();
    place.git(&["config", "flow-ai.signingKey", "~/ada"]).ok();
    review().exits(2).says("cannot sign").says("ssh-add");
    assert!(!place.root().join("home/asked").exists(), "the reviewer was asked for nothing");
}

#[test]
fn a_key_in_an_agent_signs_and_no_process_of_an_agents_can_reach_it() {
    let place = Place::judged("signed = true\n", "env > \"$HOME/environment\"");
    place.key("ada", "ed25519");
    place.protect(&format!("{ADA} {}\n", place.public("ada")));
    place.topic("new.txt");
    let socket = place.root().join("agent.sock");
    let mut agent = place.command("ssh-agent").arg("-D").arg("-a").arg(&socket).spawn().unwrap();
    while !socket.exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let with_agent = |program: &str, args: &[&str]| {
        Out::of(place.command(program).env("SSH_AUTH_SOCK", &socket).args(args).output().unwrap())
    };
    let added = with_agent("ssh-add", &["-q", place.root().join("home/ada").to_str().unwrap()]);
    fs::remove_file(place.root().join("home/ada")).unwrap();
    let literal = format!("key::{}", place.public("ada"));
    place.git(&["config", "flow-ai.signingKey", &literal]).ok();
    let by_literal = with_agent("git", &["flow-ai", "review", "topic"]);
    place.git(&["config", "flow-ai.signingKey", "~/ada.pub"]).ok();
    let by_file = with_agent("git", &["flow-ai", "review", "topic", "--again"]);
    let without = place.flow(&["review", "topic", "--again"]);
    agent.kill().unwrap();
    agent.wait().unwrap();
    added.ok();
    by_literal.ok();
    by_file.ok();
    without.exits(2).says("cannot sign");
    let environment = fs::read_to_string(place.root().join("home/environment")).unwrap();
    assert!(environment.contains("GIT_FLOW_AI_MODE=review"), "{environment}");
    assert!(!environment.contains("SSH_AUTH_SOCK"), "{environment}");
}

#[test]
fn keys_are_found_where_git_finds_them() {
    let place = Place::new();
    let repo = || Repo::open(&place.repo()).unwrap();
    let key = || SigningKey::configured(&repo()).unwrap().map(|key| key.to_string());
    place.git(&["config", "user.signingKey", "/k/gpg"]).ok();
    assert_eq!(key(), None, "a key of another format");
    place.git(&["config", "gpg.format", "ssh"]).ok();
    assert_eq!(key().unwrap(), "the key /k/gpg");
    place.git(&["config", "flow-ai.signingKey", "ssh-ed25519 AAAA"]).ok();
    assert_eq!(key().unwrap(), "the key in flow-ai.signingKey");
    place.git(&["config", "flow-ai.signingKey", ""]).ok();
    assert_eq!(key(), None, "records are not to be signed");
    place.git(&["config", "--unset", "flow-ai.signingKey"]).ok();
    place.git(&["config", "--unset", "user.signingKey"]).ok();
    place.git(&["config", "gpg.ssh.defaultKeyCommand", "echo key::ssh-ed25519 AAAA"]).ok();
    assert_eq!(key().unwrap(), "the key in gpg.ssh.defaultKeyCommand");
    place.git(&["config", "gpg.ssh.defaultKeyCommand", "echo none"]).ok();
    assert!(SigningKey::configured(&repo()).unwrap_err().to_string().contains("names no key"));
}

#[test]
fn where_signatures_are_not_demanded_a_record_counts_without() {
    let place = Place::judged("review_on_merge = false\n", "");
    place.protect("");
    place.topic("new.txt");
    place.flow(&["review", "topic"]).ok();
    place.merge_topic().ok();
}

#[test]
fn check_says_who_signed_and_whether_that_proves_independence() {
    let place = signed();
    place.record(&approval(&place, "ada", NAMESPACE));
    let told = place.flow(&["check", "--format", "json"]).ok();
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let proof = &told["parts"][0]["verdicts"][0]["proof"];
    assert_eq!((&proof["signer"], &proof["proves"]), (&ADA.into(), &"integrity".into()), "{told}");
    place.flow(&["check"]).ok().says("signed by ada@example.com, who had a hand in the change");
}

#[test]
fn the_way_to_a_list_of_signers_that_is_missing_works() {
    let place = Place::judged("signed = true\nreview_on_merge = false\n", "");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "Configure"]).ok();
    place.flow(&["init"]).ok();
    place.topic("new.txt");
    place.key("ada", "ed25519");
    place.git(&["config", "flow-ai.signingKey", "~/ada"]).ok();
    let out = place.flow(&["review", "topic"]).exits(2).says("allowed_signers is missing");
    let hint =
        out.stderr.lines().find_map(|line| line.split_once("without the hooks: ")).unwrap().1.to_owned();
    place.git(&["checkout", "--quiet", "main"]).ok();
    place.write(".zenflow/allowed_signers", format!("{ADA} {}\n", place.public("ada")));
    place.git(&["add", "."]).ok();
    let there = format!("{hint} --quiet -m 'Say who may sign'");
    Out::of(place.command("sh").args(["-c", &there]).output().unwrap()).ok();
    assert_eq!(place.git_says(&["log", "-1", "--format=%s", "main"]), "Say who may sign");
}
