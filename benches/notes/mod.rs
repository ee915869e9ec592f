//! The gate's decision where a repository is large: 80,000 files and 100,000 verdicts.

use super::compare;
use super::setting::{Setting, author, note};
use git_flow_ai::domain::verdict::record;
use std::fmt::Write as _;
use std::fs::File;
use std::process::Command;

/// How many times a round runs each command.
const TIMES: usize = 40;

/// What the hook says to three updates of `main`, against `git notes show` in the same repository.
pub fn decisions(rounds: usize) {
    let setting = large();
    let main = setting.git(&["rev-parse", "main"]);
    // Judged on main as it was, then main moves on, and the topic is made anew on top of it.
    let topic = setting.commit("topic", &main, "src/150.txt", "judged");
    setting.verdict_on(&main, &topic);
    let moved = setting.commit("moved", &main, "lib/7/7.txt", "moved");
    let rebased = setting.commit("rebased", &moved, "src/150.txt", "judged");
    let unjudged = setting.commit("unjudged", &main, "src/151.txt", "unjudged");
    setting.git(&["gc", "--quiet"]);
    for (what, old, new, status, goal) in [
        ("hook, 100,000 notes, on the head / notes show", &main, &topic, 0, 2.0),
        ("hook, 100,000 notes, rebased / notes show", &moved, &rebased, 0, 2.0),
        ("hook, 100,000 notes, refused / notes show", &main, &unjudged, 1, 3.0),
    ] {
        setting.git(&["update-ref", "refs/heads/main", old]);
        let input = setting.file("update", &format!("{old} {new} refs/heads/main\n"));
        compare(
            what,
            goal,
            rounds,
            || {
                for _ in 0..TIMES {
                    let mut hook = setting.ours();
                    hook.args(["hook", "reference-transaction", "prepared"]);
                    ends(hook.stdin(File::open(&input).unwrap()), status);
                }
            },
            || setting.repeat(TIMES, setting.command("git").args(["notes", "--ref=flow-ai", "show", &topic])),
        );
    }
}

fn ends(command: &mut Command, status: i32) {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A repository whose main has 80,000 files, with 100,000 verdicts on other changes, and the index to
/// them: one for each change, and 30,000 different sets of paths.
fn large() -> Setting {
    let setting = Setting::new();
    let mut stream = String::from(
        "commit refs/heads/main\ncommitter Ada <ada@example.com> 1790000000 +0000\ndata 1\nl\nfrom refs/heads/main^0\n",
    );
    for n in 0..80_000 {
        write!(stream, "M 100644 inline lib/{}/{}.txt\ndata 6\n{n:06}\n", n % 400, n / 400).unwrap();
    }
    stream.push_str(
        "\ncommit refs/notes/flow-ai\ncommitter Ada <ada@example.com> 1790000001 +0000\ndata 1\nn\n",
    );
    let mut ids = Ids(1);
    for n in 0..100_000 {
        let mut verdict = setting.verdict(&ids.next(), &ids.next());
        verdict.head_commit = Some(ids.next().parse().unwrap());
        verdict.summary = format!("Read as a whole, number {n}: nothing that blocks it.");
        verdict.authors = vec![author("one", "acme")];
        note(&mut stream, &ids.next(), &record::encode(&verdict).unwrap());
        note(&mut stream, &ids.next(), &format!("same 1 2026-01-01T00:00:00Z {}\n", ids.next()));
    }
    for _ in 0..30_000 {
        let pointers: String =
            (0..3).map(|_| format!("see 1 2026-01-01T00:00:00Z {}\n", ids.next())).collect();
        note(&mut stream, &ids.next(), &pointers);
    }
    setting.import(&stream);
    setting
}

/// Ids of objects that nobody has.
struct Ids(u64);

impl Ids {
    fn next(&mut self) -> String {
        let mut id = String::new();
        for _ in 0..5 {
            // A linear congruential generator; its upper half is random enough.
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            write!(id, "{:08x}", self.0 >> 32).unwrap();
        }
        id
    }
}
