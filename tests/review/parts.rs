//! A change that is too much for one request: all of it is read, in parts, or nothing is told.

use super::{config, recorded};
use crate::support::Place;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

/// What one request may have.
const BUDGET: usize = 9400;

/// A repository whose reviewer keeps every request; `decide` may look at `$request` and `$number`.
fn place(settings: &str, decide: &str) -> Place {
    let place = Place::with_config(config().review(format!("budget = {BUDGET}\n{settings}")));
    reviewer(&place, decide);
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place
}

fn reviewer(place: &Place, decide: &str) {
    let kept = place.root().join("requests");
    let _ = fs::remove_dir_all(&kept);
    fs::create_dir(&kept).unwrap();
    let kept = kept.display();
    let keep = format!(
        "number=$(ls {kept} | wc -l); number=$((number + 1)); printf '%s\\n' \"$request\" > {kept}/$number"
    );
    place.reviewer("judge", &format!("{keep}\n{decide}"));
}

/// What was asked, in order.
fn requests(place: &Place) -> Vec<String> {
    let kept = place.root().join("requests");
    let count = fs::read_dir(&kept).unwrap().count();
    (1..=count).map(|number| fs::read_to_string(kept.join(number.to_string())).unwrap()).collect()
}

/// What an answer to a request must name.
fn named(request: &str) -> Value {
    let line = request.lines().find_map(|line| line.strip_prefix("REQUEST ")).expect(request);
    serde_json::from_str(line).unwrap()
}

/// The lines of the difference that a request shows.
fn shown(request: &str) -> Vec<&str> {
    let from = request.split_once(" the difference, part ").expect(request).1;
    from.lines().skip(1).take_while(|line| !line.starts_with(">>>DATA")).collect()
}

/// Lines that all differ.
fn lines(of: &str, count: usize) -> String {
    (1..=count).fold(String::new(), |mut text, line| {
        writeln!(text, "this is line {line} of {of}").unwrap();
        text
    })
}

fn record(place: &Place) -> Value {
    let out = place.flow(&["review", "--json"]).stdout;
    serde_json::from_str::<Value>(&out).expect(&out)["verdicts"][0].clone()
}

#[test]
fn every_line_of_a_large_change_is_read_exactly_once() {
    let place = place("", "");
    for folder in ["a", "b", "c"] {
        for file in ["one", "two", "three"] {
            place.write(&format!("{folder}/{file}.txt"), lines(file, 60));
        }
    }
    place.write("big/odd name \"x\".txt", lines("big", 700));
    place.write("run.sh", "echo\n");
    place.git(&["add", "-A"]).ok();
    place.git(&["update-index", "--chmod=+x", "run.sh"]).ok();
    place.commit("zzz.txt", "the end\n");
    let out = place.flow(&["review"]).ok();
    let requests = requests(&place);
    let all = requests.len();
    assert!(all >= 5, "{all}");
    out.says(&format!("reads part {all} of {all}"));

    let whole = place.git(&["diff", "--no-renames", "--full-index", "main...topic"]).ok().stdout;
    let wanted: Vec<&str> =
        whole.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).collect();
    let seen: Vec<&str> = requests
        .iter()
        .flat_map(|request| shown(request))
        .filter(|line| line.starts_with('+') && !line.starts_with("+++"))
        .collect();
    assert_eq!(seen, wanted);
    for (number, request) in requests.iter().enumerate() {
        assert!(request.len() <= BUDGET + 1, "part {number} has {} bytes", request.len());
        assert!(
            request.contains(&format!("This is part {} of {all} of one change", number + 1)),
            "{request}"
        );
        assert!(
            request.contains("the changed files of other parts"),
            "whoever judges a part knows of the rest"
        );
    }
    let nonces: BTreeSet<String> =
        requests.iter().map(|request| named(request)["nonce"].to_string()).collect();
    assert_eq!(nonces.len(), all, "each part has a nonce of its own");

    let shown = &record(&place)["shown"];
    let strings = |value: &Value| -> BTreeSet<String> {
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let changed: BTreeSet<String> = place
        .git(&["diff", "--name-only", "-z", "main...topic"])
        .stdout
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    let parts = shown["parts"].as_array().unwrap();
    assert_eq!(parts.len(), all);
    assert_eq!(strings(&shown["files"]), changed);
    let together: BTreeSet<String> = parts.iter().flat_map(|part| strings(&part["files"])).collect();
    assert_eq!(together, changed);
    let bytes: u64 = parts.iter().map(|part| part["bytes"].as_u64().unwrap()).sum();
    assert_eq!(shown["bytes"], bytes);
    // The hash is that of what was really asked.
    let asked = requests[1].strip_suffix('\n').unwrap();
    assert!(
        [format!("{asked}\n"), asked.to_owned()].iter().any(|text| parts[1]["sha256"] == sha256(text)),
        "{}",
        parts[1]
    );
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Three files that each take a part of their own.
fn three(place: &Place) {
    for name in ["a.txt", "b.txt"] {
        place.write(name, lines(name, 150));
    }
    place.commit("c.txt", lines("c.txt", 150));
}

#[test]
fn findings_of_all_parts_are_joined_and_any_of_them_blocks() {
    let place = place(
        "",
        r#"case "$files" in *b.txt*) findings='[{"path":"b.txt","line":7,"severity":"P1","body":"Wrong"}]';; *c.txt*) findings='[{"path":"c.txt","line":9,"severity":"P3","body":"Taste"}]'; verdict=APPROVE;; esac
if [ "$number" = 3 ]; then printf '{"nonce":"%s","verdict":"APPROVE","summary":"Last.","files":%s,"findings":%s}' "$nonce" "$files" "$findings"; exit; fi"#,
    );
    three(&place);
    place.flow(&["review"]).exits(1).says("b.txt:7: P1").says("c.txt:9: P3");
    assert_eq!(requests(&place).len(), 3, "what blocks in one part spares the author no other finding");
    assert_eq!(record(&place)["summary"], "Part 1 of 3: Read.\nPart 2 of 3: Read.\nPart 3 of 3: Last.");
}

#[test]
fn a_part_that_cannot_be_told_makes_the_whole_untold() {
    let place = place("", r#"case "$files" in *b.txt*) echo "LGTM"; exit;; esac"#);
    three(&place);
    place.flow(&["review"]).exits(2).says("no verdict in our schema").says("(part 2 of 3)");
    let requests = requests(&place);
    assert_eq!(recorded(&place), 0);
    // It was asked once more, the part before was not paid for again, and the one after not at all.
    let asked: Vec<bool> = requests.iter().map(|request| request.contains(r#""files":["b.txt"]"#)).collect();
    assert_eq!(asked, [false, true, true]);
    assert!(requests[2].contains("The last answer to this could not be taken"));
}

#[test]
fn only_the_part_that_was_not_told_is_asked_for_again() {
    let place = place("", r#"if [ "$number" = 2 ]; then echo Hm; exit; fi"#);
    three(&place);
    place.flow(&["review"]).ok().says("(part 2 of 3) cannot be told").says("asking once more");
    let asked: Vec<Value> = requests(&place).iter().map(|request| named(request)["files"].clone()).collect();
    assert_eq!(asked, [json!(["a.txt"]), json!(["b.txt"]), json!(["b.txt"]), json!(["c.txt"])]);
    assert_eq!(recorded(&place), 1);
}

#[test]
fn nobody_pays_for_more_parts_than_were_agreed() {
    let place = place("parts = 2", "");
    three(&place);
    place.flow(&["review"]).exits(2).says("at least 3 requests").says("review.parts").says("split it");
    place.commit("lock.json", lines("lock", 2000));
    place.flow(&["review"]).exits(2).says("review.parts");
    assert_eq!(requests(&place).len(), 0, "nobody was asked");
    place.git(&["reset", "--quiet", "--hard", "HEAD~2"]).ok();
    place.commit("a.txt", lines("a.txt", 150));
    place.flow(&["review"]).ok();
}

#[test]
fn what_is_said_beside_the_difference_must_leave_room_for_it() {
    let place = place("", "");
    three(&place);
    let intent = place.root().join("intent.md");
    fs::write(&intent, lines("the purpose", 400)).unwrap();
    let intent = intent.display().to_string();
    place.flow(&["review", "--intent", &intent]).exits(2).says("beside the difference").says("review.budget");
    assert_eq!(requests(&place).len(), 0);
}

#[test]
fn the_same_change_is_always_split_in_the_same_way() {
    let place = place("", "");
    three(&place);
    place.commit("big.txt", lines("big", 500));
    let split = || {
        place.flow(&["review", "--again"]).ok();
        let all = requests(&place);
        all.iter().map(|request| shown(request).join("\n")).collect::<Vec<_>>()
    };
    let first = split();
    reviewer(&place, "");
    assert_eq!(split(), first);
}
