//! Whose word a signature is: that of everybody whom the list of signers names for its key, and of nobody whom
//! only a pattern means.

use crate::support::Place;

/// A gate with this list of signers (`KEY`: the key that signs here, Bob's) and these lines; Ada's work on `topic`.
fn place(list: &str, gate: &str) -> Place {
    let place = Place::judged(&format!("signed = true\nreview_on_merge = false\n{gate}"), "");
    place.key("bob", "ed25519");
    place.git(&["config", "flow-ai.signingKey", "~/bob"]).ok();
    place.protect(&list.replace("KEY", &place.public("bob")));
    place.topic("new.txt");
    place
}

#[test]
fn a_signature_proves_independence_where_the_key_is_not_an_authors_too() {
    let by_bob = |list: &str| {
        let place = place(list, "");
        place.flow_as_bob(&["review", "topic"]).ok();
        place.flow(&["verdict", "show", "topic"]).stdout
    };
    let alone = by_bob("bob@example.com KEY\n");
    assert!(alone.contains("who had no hand in the change"), "{alone}");
    for list in [
        "bob@example.com KEY\nada@example.com KEY\n",
        "ada@example.com KEY\nbob@example.com KEY\n",
        "bob@example.com,ada@example.com KEY\n",
        "bob@example.com KEY\n*@example.com namespaces=\"git\" KEY\n",
        "bob@example.com KEY\nADA@example.com valid-before=\"20200101\" KEY\n",
    ] {
        let shown = by_bob(list);
        assert!(!shown.contains("no hand") && shown.contains("signed"), "{list}: {shown}");
    }
}

#[test]
fn a_pattern_is_no_persons_name() {
    let waive = |list: &str| {
        let place = place(list, "waivers = [\"bob@example.com\"]\n");
        let out = place.flow_as_bob(&["waive", "topic", "--reason", "It is urgent."]);
        (place, out)
    };
    let (place, out) = waive("*@example.com KEY\n");
    out.exits(2).says("does not name them");
    place.merge_topic().exits(128);
    let (place, out) = waive("*@other.org,bob@example.com KEY\n");
    out.ok();
    place.merge_topic().ok();
}
