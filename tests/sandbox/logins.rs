//! Logins that end, by a tool that renews them as real ones do: the old token that renews dies with it.

use super::MEANS;
use super::home::{plant, tool, twins};
use crate::support::plan::task;
use crate::support::{Out, Place};
use std::fs;
use std::os::unix::fs::MetadataExt;

const PATH: &str = ".claude/.credentials.json";

/// A tool that renews a login after its end: access `a-N` and renewal `r-N` become `a-N+1` and `r-N+1`. `REFUSED`
/// is what its provider does not renew. What it used is in the file that its task is named by.
const RENEWS: &str = r#"login="$HOME/.claude/.credentials.json"
value() { sed -n 's/.*"'$1'":"*\([^",}]*\).*/\1/p' "$login"; }
access=$(value accessToken); renewal=$(value refreshToken); ends=$(value expiresAt)
fails() { echo '{"type":"result","subtype":"success","is_error":true,"result":"OAuth token has expired. Please run /login","session_id":"s"}'; exit 1; }
if [ "$ends" -lt "$(date +%s)000" ]; then
  case $renewal in ''|REFUSED) fails;; esac
  number=$((${renewal#r-} + 1)); access=a-$number; sleep 1
  echo '{"claudeAiOauth":{"accessToken":"'$access'","refreshToken":"r-'$number'","expiresAt":'$(($(date +%s) + 28800))'000}}' >"$login"
fi
case $access in a-1) fails;; esac
[ "$GIT_FLOW_AI_MODE" = review ] && { [ -n "${request##*REQUEST*}" ] && ends yes || verdict APPROVE; exit; }
echo "$access|$renewal" >"$GIT_FLOW_AI_TASK.txt"; ends Done."#;

fn place(means: &str, refused: &str, ends: i64) -> Place {
    let place = twins("claude", means);
    tool(&place, "claude", &RENEWS.replace("REFUSED", refused));
    plant(&place.root().join("home"), [PATH], &login("a-1", "r-1", ends));
    place.spec_with(&(task("one", "") + &task("two", "")));
    place
}

fn login(access: &str, renewal: &str, ends: i64) -> String {
    format!(
        "{{\"claudeAiOauth\":{{\"accessToken\":\"{access}\",\"refreshToken\":\"{renewal}\",\"expiresAt\":{ends}000}}}}\n"
    )
}

fn users(place: &Place) -> String {
    fs::read_to_string(place.root().join("home").join(PATH)).unwrap()
}

fn soon() -> i64 {
    jiff::Timestamp::now().as_second() + 60
}

#[test]
fn a_login_is_renewed_once_before_the_jobs_that_need_it() {
    for means in MEANS {
        // One that has ended, and one that would end under the job.
        for ends in [1, soon()] {
            let place = place(means, "nothing", ends);
            place.run(&["--agent", "author", "--parallel", "2"]).ok();
            for task in ["one", "two"] {
                let used = place.git_says(&["show", &format!("flow/demo/{task}:{task}.txt")]);
                assert_eq!(used, "a-2|", "{means}: a job has no token that renews");
            }
            assert!(
                users(&place).contains(r#""accessToken":"a-2","refreshToken":"r-2""#),
                "{means}: {}",
                users(&place)
            );
            let mode = fs::metadata(place.root().join("home").join(PATH)).unwrap().mode();
            assert_eq!(mode & 0o777, 0o600, "{means}");
        }
    }
}

#[test]
fn a_login_that_cannot_be_renewed_stays_and_is_told_of() {
    for means in MEANS {
        let place = place(means, "r-1", 1);
        let before = users(&place);
        let mut command = place.command("git-flow-ai");
        command.args(["run", "demo", "--agent", "author", "--no-review", "--json"]);
        Out::of(command.output().unwrap())
            .exits(1)
            .says("the login of author could not be renewed")
            .says("not logged in");
        assert_eq!(users(&place), before, "{means}");
    }
}

#[test]
fn a_key_or_a_login_that_lasts_is_used_as_it_is() {
    for means in MEANS {
        let place = place(means, "nothing", 1);
        let before = users(&place);
        let mut command = place.command("git-flow-ai");
        command.args(["run", "demo", "--agent", "author", "--no-review"]).env("ANTHROPIC_API_KEY", "key");
        // The tool of the test knows no key.
        Out::of(command.output().unwrap()).exits(1);
        assert_eq!(users(&place), before, "{means}: with a key nothing is renewed");
        let lasting = login("a-5", "r-5", soon() + 28_800);
        plant(&place.root().join("home"), [PATH], &lasting);
        place.run(&["--agent", "author", "--no-review", "--retry"]).ok();
        assert_eq!(users(&place), lasting, "{means}");
    }
}

/// What an agent writes into its copy of a login is its own affair.
#[test]
fn no_login_that_an_agent_wrote_becomes_the_users() {
    for means in MEANS {
        let place = twins("claude", means);
        let text = login("a-7", "r-7", soon() + 28_800);
        plant(&place.root().join("home"), [PATH], &text);
        tool(
            &place,
            "claude",
            "echo '{\"claudeAiOauth\":{\"accessToken\":\"evil\",\"refreshToken\":\"evil\",\"expiresAt\":9999999999000}}' >\"$HOME/.claude/.credentials.json\"; echo made >made.txt; ends Done.",
        );
        place.spec_with(&task("it", ""));
        place.run(&["--agent", "author", "--no-review"]).ok();
        assert_eq!(users(&place), text, "{means}");
    }
}
