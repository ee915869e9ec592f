//! Verdict records as `docs/verdicts.md` describes them: valid by the schema, verified by hand with the
//! documented commands, and shown with what their signature proves.

use crate::support::{Out, Place};
use serde_json::Value;
use std::path::Path;

/// Everything is signed by Ada, who also writes; Bob may sign as well.
fn place(policy: &str) -> Place {
    let place = Place::judged(&format!("review_on_merge = false\n{policy}"), "");
    for name in ["ada", "bob"] {
        place.key(name, "ed25519");
    }
    let line = |name: &str| format!("{name}@example.com {}\n", place.public(name));
    place.protect(&(line("ada") + &line("bob")));
    place.topic("new.txt");
    place
}

fn with_key(place: &Place, key: &str, args: &[&str]) -> Out {
    let key = format!("flow-ai.signingKey=~/{key}");
    place.git(&[&["-c", &key, "flow-ai"], args].concat())
}

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// The schema, but for the freedom to add keys: so it must know every key that we write.
fn strict(mut schema: Value) -> Value {
    fn close(value: &mut Value) {
        match value {
            Value::Object(map) => {
                if map.contains_key("properties") {
                    map.insert("additionalProperties".into(), false.into());
                }
                map.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    schema
}

#[test]
fn every_record_is_what_the_schema_says() {
    let place = place("waivers = [\"ada@example.com\"]\n");
    let findings =
        r#"findings='[{"path":"new.txt","line":1,"severity":"P1","body":"No.","suggestion":"Yes."}]'"#;
    place.flow(&["review", "topic"]).ok();
    place.reviewer("judge", findings);
    with_key(&place, "bob", &["review", "topic", "--again"]).exits(1);
    with_key(&place, "ada", &["waive", "topic", "--reason", "It must."]).ok();
    let bob = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com", "flow-ai"];
    place.git(&[&bob[..], &["review", "topic", "--approve"]].concat()).ok();
    let note = place.git_says(&["notes", "--ref=flow-ai", "show", "topic"]);
    let records: Vec<Value> = note
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let schema: Value = serde_json::from_str(&document("verdict.schema.json")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&strict(schema)).unwrap();
    assert_eq!(records.len(), 4, "{note}");
    let kinds: Vec<&Value> = records.iter().map(|record| &record["statement"]["predicate"]["kind"]).collect();
    assert_eq!(kinds, ["verdict", "verdict", "waiver", "verdict"]);
    for record in &records {
        for (end, commit) in [("base", "main"), ("head", "topic")] {
            let id = |revision: &str| place.git_says(&["rev-parse", revision]);
            let predicate = &record["statement"]["predicate"];
            assert_eq!(predicate[format!("{end}_commit")], id(commit).as_str());
            assert_eq!(predicate[format!("{end}_tree")], id(&format!("{commit}^{{tree}}")).as_str());
        }
        let faults: Vec<String> = schema.iter_errors(record).map(|error| error.to_string()).collect();
        assert_eq!(faults, [""; 0], "{record}");
        for (key, wrong) in [("decision", "LGTM"), ("base_tree", "main"), ("time", "yesterday")] {
            let mut record = record.clone();
            record["statement"]["predicate"][key] = wrong.into();
            assert!(!schema.is_valid(&record), "{key}: {wrong}");
        }
    }
}

#[test]
fn a_test_record_is_what_the_schema_says() {
    let place = place("signed = true\n");
    let config =
        place.read(".zenflow/config.toml") + "[run]\nverify = \"test -e new.txt\"\nsetup = \"true\"\n";
    place.switch("main");
    place.write(".zenflow/config.toml", config);
    place.ungated(&["commit", "--quiet", "--no-verify", "-am", "Tests"]).ok();
    with_key(&place, "ada", &["test", "topic"]).ok();
    with_key(&place, "ada", &["test", "main"]).exits(1);
    let schema: Value = serde_json::from_str(&document("verdict.schema.json")).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&strict(schema)).unwrap();
    for branch in ["topic", "main"] {
        let tree = format!("{branch}^{{tree}}");
        let note = place.git_says(&["notes", "--ref=flow-ai", "show", &place.id(&tree)]);
        let record = note.lines().find(|line| line.starts_with('{')).unwrap();
        let record: Value = serde_json::from_str(record).unwrap();
        let faults: Vec<String> = schema.iter_errors(&record).map(|error| error.to_string()).collect();
        assert_eq!(faults, [""; 0], "{record}");
        let predicate = &record["statement"]["predicate"];
        assert_eq!(predicate["failure"].is_null(), branch == "topic", "{record}");
        assert!(record["signature"].is_string());
    }
}

#[test]
fn a_record_is_verified_by_hand_as_the_documentation_says() {
    let place = place("signed = true\n");
    let by_hand = || documented(&place, 1);
    with_key(&place, "ada", &["review", "topic"]).ok();
    by_hand().ok().says("Good \"flow-ai-verdict\" signature for ada@example.com");
    // What was altered afterwards is not good, and what has moved on is about something else.
    let note = place.git_says(&["notes", "--ref=flow-ai", "show", "topic"]);
    let altered = note.replace("Read.", "Dead.");
    // Past the hook, which would not let a record go.
    let write = |note: &str| {
        let args = ["-c", "core.hooksPath=/dev/null", "notes", "--ref=flow-ai", "add", "--force", "-m"];
        place.git(&[&args[..], &[note, "topic"]].concat()).ok();
    };
    write(&altered);
    assert_ne!(by_hand().status, 0);
    write(&note);
    by_hand().ok();
    place.write("new.txt", "newer\n");
    place.git(&["commit", "--quiet", "-am", "Newer"]).ok();
    write(&note);
    assert_ne!(by_hand().status, 0);
}

/// Runs the script of that number in `verdicts.md`, from 1.
fn documented(place: &Place, number: usize) -> Out {
    let text = document("verdicts.md");
    let script = text.split("```sh\n").nth(number).unwrap().split("```").next().unwrap();
    Out::of(place.command("sh").args(["-e", "-c", script]).output().unwrap())
}

#[test]
fn a_record_leaves_git_with_its_signature() {
    let place = place("");
    place.flow(&["review", "topic"]).ok();
    let dsse = || place.flow(&["verdict", "show", "--dsse", "topic"]);
    assert_eq!(dsse().exits(1).says("left out the APPROVE on ").stdout, "");
    with_key(&place, "ada", &["review", "topic", "--again"]).ok();
    place.git(&["show", "main:.zenflow/allowed_signers"]).ok();
    documented(&place, 1).ok();
    documented(&place, 2).ok().says("Good \"flow-ai-verdict\" signature for ada@example.com");
    let envelopes = dsse().ok().stdout;
    let envelopes: Vec<Value> = envelopes.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(envelopes.len(), 1);
    assert_eq!(envelopes[0]["payloadType"], "application/vnd.in-toto+json");
    let key = Out::of(place.command("ssh-keygen").args(["-l", "-f", "../home/ada.pub"]).output().unwrap());
    let fingerprint = key.ok().stdout.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(envelopes[0]["signatures"][0]["keyid"], fingerprint.as_str());
}

#[test]
fn a_signature_is_good_for_nothing_but_a_record() {
    let place = place("signed = true\n");
    with_key(&place, "ada", &["review", "topic"]).ok();
    documented(&place, 1).ok();
    let bare = "ssh-keygen -Y verify -f allowed_signers -I ada@example.com -n flow-ai-verdict -s signed.sig < statement";
    assert_ne!(Out::of(place.command("sh").args(["-c", bare]).output().unwrap()).status, 0);
}

#[test]
fn it_is_told_who_signed_and_what_that_proves() {
    let place = place("");
    let proof = || {
        let shown = place.flow(&["verdict", "show", "topic", "--json"]).ok();
        let json: Value = serde_json::from_str(&shown.stdout).unwrap();
        json["verdicts"].as_array().unwrap().last().unwrap()["proof"].clone()
    };
    place.flow(&["review", "topic"]).ok();
    assert_eq!((proof()["proves"].as_str(), &proof()["signer"]), (Some("nothing"), &Value::Null));
    place
        .flow(&["verdict", "show", "topic"])
        .ok()
        .says("signed      not signed: anybody could have written it");
    with_key(&place, "ada", &["review", "topic", "--again"]).ok();
    assert_eq!(
        (proof()["proves"].as_str(), proof()["signer"].as_str()),
        (Some("integrity"), Some("ada@example.com"))
    );
    place.flow(&["verdict", "list", "topic"]).ok().says("ada@example.com, no independence");
    with_key(&place, "bob", &["review", "topic", "--again"]).ok();
    assert_eq!(
        (proof()["proves"].as_str(), proof()["signer"].as_str()),
        (Some("independence"), Some("bob@example.com"))
    );
    place.flow(&["verdict", "show", "topic"]).ok().says("by bob@example.com, who had no hand in the change");
    // Who committed what another wrote had a hand in it as well.
    let bob = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com"];
    place.git(&[&bob[..], &["commit", "--quiet", "--amend", "--no-edit"]].concat()).ok();
    with_key(&place, "bob", &["review", "topic", "--again"]).ok();
    assert_eq!(proof()["proves"].as_str(), Some("integrity"));
}

#[test]
fn doctor_says_whether_records_can_be_signed_as_the_branch_demands() {
    let place = place("signed = true\n");
    let doctor = |args: &[&str]| place.git(&[args, &["flow-ai", "doctor"]].concat());
    doctor(&[]).says("no key is configured to sign with");
    let ada = ["-c", "flow-ai.signingKey=~/ada"];
    doctor(&ada).says("allowed_signers of main names ada@example.com");
    doctor(&["-c", "flow-ai.signingKey=~/bob"]).says("not for ada@example.com");
    place.key("eve", "ed25519");
    doctor(&["-c", "flow-ai.signingKey=~/eve"]).says("does not name them");
}

#[test]
fn what_a_person_decides_unsigned_is_called_unverified_where_it_is_shown() {
    const UNVERIFIED: &str = "unverified: not signed: anybody could have written it";
    let place = place("waivers = [\"ada@example.com\"]\n[[gate.rule]]\npaths = [\"*.txt\"]\nhuman = true\n");
    place.flow(&["waive", "topic", "--reason", "It must."]).ok().says("Unverified. The record is not signed");
    place.flow_as_bob(&["review", "topic", "--approve"]).ok().says("Unverified. The record is not signed");
    place.flow(&["verdict", "show", "topic"]).ok().says(UNVERIFIED);
    place.flow(&["verdict", "list", "topic"]).ok().says("no, unverified");
    place.flow(&["check", "main..topic", "--target", "main"]).ok().says(UNVERIFIED);
    place
        .flow(&["doctor"])
        .says("anybody who invents a `user.email` can approve")
        .says("set `signed = true`");
}
