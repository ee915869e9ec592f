//! Lists of signers by which nobody can sign: none enters, and where the time of all keys has passed a change that
//! names valid ones still does, signed by one that was on the list.

use crate::support::verdicts::author;
use crate::support::{Config, Out, Place};
use git_flow_ai::domain::verdict::Verdict;

const CONFIG: &str = ".zenflow/config.toml";
const LIST: &str = ".zenflow/allowed_signers";
const NOTES: &str = "refs/notes/flow-ai";

fn config(gate: &str) -> String {
    let config = Config::new().gate(format!("branches = [\"main\"]\nreview_on_merge = false\n{gate}"));
    config.reviewer("judge", "zeta").to_string()
}

/// A gate that counts what those sign whom `list` names, of Ada's public key; hers is configured. Before it there
/// was one that asked for no signatures.
fn place(list: &dyn Fn(&str) -> String) -> Place {
    let place = Place::new();
    place.reviewer("judge", "");
    let key = place.key("ada", "ed25519");
    place.git(&["config", "flow-ai.signingKey", key.to_str().unwrap()]).ok();
    place.commit(CONFIG, config(""));
    place.write(LIST, list(&place.public("ada")));
    place.commit(CONFIG, config("signed = true"));
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "--amend", "--no-edit"]).ok();
    place.put_up_hooks();
    let server = place.server("origin");
    place.flow_in(&server, &["init"]).ok();
    place
}

fn ada(key: &str) -> String {
    format!("ada@example.com {key}\n")
}

/// A branch `topic` off `main` with what `edit` makes.
fn topic(place: &Place, edit: impl FnOnce(&Place)) {
    place.git(&["switch", "--quiet", "-C", "topic", "main"]).ok();
    edit(place);
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "Topic"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
}

#[track_caller]
fn stays_out(place: &Place, why: &str) {
    let tip = place.id("main");
    place.git(&["merge", "topic"]).exits(128).says(why);
    push(place).exits(1).says(why);
    assert_eq!(place.id("main"), tip);
}

#[track_caller]
fn enters(place: &Place) {
    push(place).ok();
    place.git(&["merge", "--quiet", "topic"]).ok();
}

/// Past the hooks here, so that the server is asked.
fn push(place: &Place) -> Out {
    place.git(&["push", "--no-verify", "--quiet", "origin", "topic:main", NOTES])
}

#[test]
fn a_list_by_which_nobody_could_sign_does_not_enter_whoever_approved_it() {
    let place = place(&ada);
    let key = place.public("ada");
    let (p521, short) = (key_of(&place, "ecdsa", "521"), key_of(&place, "rsa", "1024"));
    for (line, why) in [
        ("ada@example.com ssh-ed25519 AAAA".to_owned(), "holds a key that is none in line 1"),
        (
            format!("ada@example.com namespaces=\"git\" {key}"),
            "line 1 is not for the namespace flow-ai-verdict",
        ),
        (format!("ada@example.com cert-authority {key}"), "line 1 is an authority's"),
        (format!("!* {key}"), "line 1 means nobody"),
        (format!("ada@example.com no-such-option {key}"), "an option that ssh-keygen does not know"),
        (format!("ada@example.com valid-before=\"20200101\" {key}"), "is valid at its own time"),
        (format!("ada@example.com valid-after=\"20990101\" {key}"), "is valid at its own time"),
        (format!("ada@example.com {p521}"), "line 1 has a key of a kind that is not known to sign records"),
        (format!("ada@example.com {short}"), "line 1 has a key of a kind that is not known to sign records"),
    ] {
        topic(&place, |place| place.write(LIST, format!("{line}\n")));
        place.flow(&["review", "topic"]).ok();
        stays_out(&place, why);
    }
    // One who can sign is enough, and a list for more than our records is one.
    let line =
        format!("ada@example.com,*@example.org namespaces=\"git,flow-ai-*\",valid-before=\"20990101\" {key}");
    topic(&place, |place| {
        place.write(LIST, format!("{line}\nbob@example.com valid-before=\"20200101\" {key}\n"))
    });
    place.flow(&["review", "topic"]).ok();
    enters(&place);
}

/// The public half of a new key of that length.
fn key_of(place: &Place, kind: &str, bits: &str) -> String {
    let path = place.root().join("home").join(kind);
    let mut keygen = place.command("ssh-keygen");
    Out::run(keygen.args(["-q", "-t", kind, "-b", bits, "-N", "", "-f"]).arg(path)).ok();
    place.public(kind)
}

#[test]
fn where_all_keys_have_run_out_one_of_them_signs_for_new_ones_and_for_nothing_else() {
    let place = place(&|key| format!("ada@example.com valid-before=\"20250101\" {key}\n"));
    place.key("bob", "ed25519");
    let renewed = ada(&place.public("ada")) + &format!("bob@example.com {}\n", place.public("bob"));
    place.flow(&["doctor"]).exits(1).says("no key in .zenflow/allowed_signers of `main` is valid today");
    // Nobody is asked in vain.
    topic(&place, |place| place.write("new.txt", "new\n"));
    place
        .flow(&["review", "topic"])
        .exits(2)
        .says("is valid today")
        .says("have a change of policy files alone reviewed");
    topic(&place, |place| {
        place.write(LIST, &renewed);
        place.write("new.txt", "new\n");
    });
    place.flow(&["review", "topic"]).exits(2).says("is valid today");
    // Whoever has no key of the list gets nothing in, though the policy before asked for none.
    topic(&place, |place| place.write(LIST, &renewed));
    place.git(&["config", "flow-ai.signingKey", place.root().join("home/bob").to_str().unwrap()]).ok();
    place.flow(&["review", "topic"]).exits(2).says("does not name them");
    place.record(&judge(&place));
    stays_out(&place, "it is not signed");
    place.git(&["config", "flow-ai.signingKey", place.root().join("home/ada").to_str().unwrap()]).ok();
    place.flow(&["review", "topic", "--again"]).ok();
    enters(&place);
    place.flow(&["verify"]).ok();
    topic(&place, |place| place.write("new.txt", "new\n"));
    place.flow(&["review", "topic"]).ok();
    enters(&place);
}

#[test]
fn while_one_key_is_valid_those_that_have_run_out_sign_nothing() {
    let place = Place::new();
    place.key("bob", "ed25519");
    let bob = format!("bob@example.com {}\n", place.public("bob"));
    let place = self::place(&|key| format!("ada@example.com valid-before=\"20250101\" {key}\n{bob}"));
    let renewed = ada(&place.public("ada"));
    topic(&place, |place| place.write(LIST, &renewed));
    place.flow(&["review", "topic"]).exits(2).says("does not name them");
}

/// An approval of `topic` that nobody has signed.
fn judge(place: &Place) -> Verdict {
    let reviewer = author("judge", "zeta");
    Verdict { reviewer, ..place.verdict("main", "topic") }
}
