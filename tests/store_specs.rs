//! Specs and configs: read from their branch and from where the law is, written without a checkout.

use crate::support::{Config, Place, open};
use git_flow_ai::domain::spec::{Approval, Slug};
use git_flow_ai::gate::store::{Branch, Conflict, Expected, Repo, changes, config, in_force, specs};
use gix::ObjectId;
use std::fs;

fn slug(name: &str) -> Slug {
    name.parse().unwrap()
}

fn document(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

fn begin(repo: &Repo, name: &str) -> ObjectId {
    let request = document("request.md", &format!("# The {name}\n\nPlease.\n"));
    let spec = document("spec.md", "# How\n");
    specs::write(repo, &slug(name), Expected::Missing, &[request, spec], "sdd", &[], "Begin").unwrap()
}

fn approval(repo: &Repo, name: &str, text: &str) -> Approval {
    Approval {
        document: name.to_owned(),
        text: specs::text_id(repo, name, text),
        by: "Ada Lovelace <ada@example.com>".to_owned(),
        at: "2026-01-02T03:04:05Z".to_owned(),
    }
}

#[test]
fn a_spec_is_written_without_a_checkout_and_read_back_whole() {
    let place = Place::new();
    let repo = open(&place.repo());
    let tip = begin(&repo, "dark-mode");
    assert_eq!(place.git_says(&["rev-parse", "flow/dark-mode/spec"]), tip.to_string());
    assert_eq!(place.git_says(&["show", "flow/dark-mode/spec:spec.md"]), "# How");
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");

    let spec = specs::read(&repo, &slug("dark-mode")).unwrap();
    assert_eq!((spec.title.as_str(), spec.workflow.as_str(), spec.commit), ("The dark-mode", "sdd", tip));
    assert_eq!(spec.document("spec.md"), Some("# How\n"));
    assert!(!specs::is_approved(&repo, &spec, "spec.md"));

    let stale =
        specs::write(&repo, &slug("dark-mode"), Expected::Missing, &[], "sdd", &[], "Again").unwrap_err();
    assert!(stale.chain().any(|cause| cause.is::<Conflict>()));
    let error = specs::read(&repo, &slug("darkmode")).unwrap_err();
    let hints: Vec<String> = error
        .chain()
        .filter_map(|cause| Some(cause.downcast_ref::<git_flow_ai::domain::error::Hint>()?.fix.clone()))
        .collect();
    assert!(hints[0].contains("did you mean dark-mode"), "{hints:?}");
}

#[test]
fn an_approval_holds_until_its_text_changes_and_survives_what_does_not_touch_it() {
    let place = Place::new();
    let repo = open(&place.repo());
    let tip = begin(&repo, "x");
    let approved = approval(&repo, "spec.md", "# How\n");
    let write = |tip, documents: &[(String, String)], approvals: &[Approval], subject: &str| {
        specs::write(&repo, &slug("x"), Expected::At(tip), documents, "sdd", approvals, subject).unwrap()
    };
    let is_approved = || specs::is_approved(&repo, &specs::read(&repo, &slug("x")).unwrap(), "spec.md");

    let tip = write(tip, &[], std::slice::from_ref(&approved), "Approve spec.md");
    assert!(is_approved());
    let tip = write(tip, &[document("notes.md", "Other.\n")], &[], "Add notes");
    assert!(is_approved(), "another document is no reason to ask again");

    // Somebody commits by hand, without our trailers.
    place.git(&["worktree", "add", "--quiet", "../hand", "flow/x/spec"]).ok();
    fs::write(place.root().join("hand/notes.md"), "By hand.\n").unwrap();
    let hand = |args: &[&str]| place.git(&[&["-C", "../hand"], args].concat());
    hand(&["commit", "--quiet", "-am", "Edit"]).ok();
    let spec = specs::read(&repo, &slug("x")).unwrap();
    assert_eq!((spec.workflow.as_str(), spec.document("notes.md")), ("sdd", Some("By hand.\n")));
    assert!(is_approved());
    fs::write(place.root().join("hand/spec.md"), "# Otherwise\n").unwrap();
    hand(&["commit", "--quiet", "-am", "Edit what was approved"]).ok();
    assert!(!is_approved(), "the edit made it void");

    let now = specs::read(&repo, &slug("x")).unwrap().commit;
    assert_ne!(now, tip);
    let tip = write(now, &[document("notes.md", "Again.\n")], &[], "Go on");
    assert!(specs::read(&repo, &slug("x")).unwrap().approvals.is_empty(), "void approvals are not repeated");
    // The very text that was approved is back: only a commit that said so counts, and it is below.
    write(tip, &[document("spec.md", "# How\n")], &[], "Back");
    assert!(!is_approved());
}

#[test]
fn a_list_has_every_spec_and_no_task_and_reads_no_more_than_asked() {
    let place = Place::new();
    let repo = open(&place.repo());
    for name in ["zebra", "ant", "with-tasks"] {
        begin(&repo, name);
    }
    place.git(&["branch", "flow/with-tasks/spec2"]).ok();
    place.git(&["branch", "flow/with-tasks/api"]).ok();
    place.git(&["branch", "flow/no-spec/api"]).ok();
    place.git(&["branch", "flow/Not_A_Slug/spec"]).ok();
    let summaries = specs::summaries(&repo).unwrap();
    let names: Vec<&str> = summaries.iter().map(|summary| summary.slug.as_str()).collect();
    assert_eq!(names, ["ant", "with-tasks", "zebra"]);
    assert_eq!(summaries[0].title, "The ant");
    assert_eq!(summaries[0].document(&repo, "spec.md").unwrap().as_deref(), Some("# How\n"));
    assert_eq!(specs::list(&repo).unwrap().len(), 3);
    place.git(&["pack-refs", "--all"]).ok();
    place.git(&["gc", "--quiet"]).ok();
    assert_eq!(specs::list(&Repo::open(&place.repo()).unwrap()).unwrap().len(), 3);
}

#[test]
fn the_policy_is_the_targets_and_never_the_working_trees() {
    let place = Place::with_config(Config::new().gate("rival = \"vendor\""));
    let repo = open(&place.repo());
    place.git(&["checkout", "--quiet", "-b", "topic"]).ok();
    place.write(".zenflow/config.toml", "version = 1\n[gate]\nrival = \"any\"\nbranches = []\n");
    place.git(&["commit", "--quiet", "-am", "Loosen"]).ok();
    place.write(".zenflow/config.toml", "version = 1\n[gate]\nrival = \"any\"\napprovals = 0\n");
    let loaded = config::load(&repo, "main").unwrap();
    assert_eq!(loaded.origin, "main:.zenflow/config.toml");
    assert_eq!(loaded.config.gate.rival, git_flow_ai::domain::rival::Rival::Vendor);
    let main = repo.commit_of("main").unwrap().id;
    let (commit, found) = in_force::at(&repo, main).unwrap().found.unwrap();
    assert_eq!((commit, found.config.gate, found.digest), (main, loaded.config.gate, loaded.digest));
    assert_eq!(repo.target().unwrap(), "main");
}

#[test]
fn before_the_first_commit_of_a_config_the_working_trees_is_used_and_named() {
    let place = Place::new();
    let repo = open(&place.repo());
    assert_eq!(config::load(&repo, "main").unwrap().origin, "defaults");
    place.write(".zenflow/config.toml", "version = 1\n[run]\nparallel = 7\n");
    place.write(".zenflow/settings.json", r#"{"verification_script": "make test", "checkpoints": true}"#);
    let loaded = config::load(&repo, "main").unwrap();
    assert_eq!(loaded.origin, ".zenflow/config.toml (not committed yet)");
    assert_eq!(loaded.config.run.parallel, 7);
    assert_eq!(loaded.config.run.verify.as_deref(), Some("make test"));
    assert_eq!(loaded.warnings.len(), 1);
    assert!(in_force::at(&repo, repo.commit_of("main").unwrap().id).unwrap().found.is_none());

    place.write(".zenflow/workflows/ours.md", "# Ours\n");
    let (text, origin) = config::workflow(&repo, "main", "ours").unwrap();
    assert_eq!(
        (text.as_str(), origin.as_str()),
        ("# Ours\n", ".zenflow/workflows/ours.md (not committed yet)")
    );
    assert!(config::workflow(&repo, "main", "quick").is_ok());
    for name in ["nonsense", "../config", "", ".."] {
        let error = config::workflow(&repo, "main", name).unwrap_err();
        assert!(error.to_string().contains("there is no workflow"), "{name}: {error:#}");
    }
    assert_eq!(config::workflows(&repo, "main").unwrap(), ["ours", "quick", "fix", "spec", "sdd"]);
}

#[test]
fn a_persons_own_settings_concern_the_person_only() {
    let place = Place::with_config(
        "version = 1\n[agents.one]\npreset = \"codex\"\n[agents.two]\npreset = \"claude\"\n",
    );
    let repo = open(&place.repo());
    let dir = place.root().join("home/.config/git-flow-ai");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), "version = 1\n[gate]\nrival = \"any\"\n").unwrap();
    place.flow(&["review"]).exits(2).says("cannot change the gate");
    fs::write(dir.join("config.toml"), "version = 1\n[agents.x]\npresett = \"codex\"\n").unwrap();
    place.flow(&["review"]).exits(2).says("presett");

    for (key, value) in [("parallel", "5"), ("agent", "two"), ("workflow", "quick"), ("worktrees", "/else")] {
        place.git(&["config", &format!("flow-ai.{key}"), value]).ok();
    }
    drop(repo);
    let config = config::load(&Repo::open(&place.repo()).unwrap(), "main").unwrap().config;
    assert_eq!((config.run.parallel, config.spec.workflow.as_str()), (5, "quick"));
    assert_eq!(config.agents.keys().next().map(String::as_str), Some("two"));
    assert_eq!(config.run.worktrees.as_deref(), Some("/else"));
    place.git(&["config", "flow-ai.agent", "three"]).ok();
    let error = config::load(&Repo::open(&place.repo()).unwrap(), "main").unwrap_err();
    assert!(error.to_string().contains("`three`"), "{error:#}");
}

#[test]
fn a_change_is_named_by_a_revision_a_range_or_the_index() {
    let place = Place::new();
    let commit = |message: &str, file: &str| {
        place.write(file, message);
        place.git(&["add", "."]).ok();
        place.git(&["commit", "--quiet", "-m", message]).ok();
    };
    place.git(&["checkout", "--quiet", "-b", "topic"]).ok();
    commit("One", "a");
    commit("Two\n\nFlow-Agent: codex\nFlow-Vendor: openai\n", "b");
    place.git(&["checkout", "--quiet", "main"]).ok();
    commit("Main goes on", "c");
    let repo = open(&place.repo());
    let tree = |revision: &str| place.git_says(&["rev-parse", &format!("{revision}^{{tree}}")]);
    let named = |revision: &str| {
        let change = changes::named(&repo, revision, &Branch::own("main")).unwrap();
        (change.base_tree.to_string(), change.head_tree.to_string())
    };
    let whole = (tree("main~1"), tree("topic"));
    for revision in ["topic", "main..topic", "main...topic", "..topic", "refs/heads/topic"] {
        assert_eq!(named(revision), whole, "{revision}");
    }
    assert_eq!(named("main"), (tree("main~1"), tree("main")), "in the target already: what it added");
    let root = repo.empty_tree().to_string();
    assert_eq!(named("main~1"), (root, tree("main~1")), "a root commit");
    let change = changes::named(&repo, "topic", &Branch::own("main")).unwrap();
    let vendors: Vec<&str> = change.authors.iter().map(|author| author.vendor.as_str()).collect();
    assert_eq!(vendors, ["openai", "person"]);
    assert_eq!(change.title, "Two (and 1 more)");
    assert!(changes::named(&repo, "nonsense", &Branch::own("main")).is_err());

    place.write("staged", "new\n");
    place.git(&["add", "staged"]).ok();
    let staged = changes::staged(&repo).unwrap();
    assert_eq!(staged.base_tree.to_string(), tree("main"));
    assert_eq!(staged.head_tree.to_string(), place.git_says(&["write-tree"]));
    place.git(&["commit", "--quiet", "-m", "Staged"]).ok();
    place.git(&["merge", "--quiet", "--no-commit", "--no-ff", "topic"]).ok();
    let merging = changes::staged(&repo).unwrap();
    assert!(merging.authors.iter().any(|author| author.vendor.as_str() == "openai"), "{:?}", merging.authors);
}
