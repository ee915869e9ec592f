//! Trees as they are: no trick of a repository hides a difference or bends a merge.

use crate::store_repo::{id, tree};
use crate::support::{Place, open};
use git_flow_ai::gate::store::Repo;
use git_flow_ai::gate::store::trees::{self, Sealed};
use gix::ObjectId;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

fn diff(repo: &Repo, base: ObjectId, head: ObjectId) -> String {
    let diff = Sealed::over(repo).unwrap().diff(base, head, &[]).unwrap();
    String::from_utf8_lossy(&diff).into_owned()
}

#[test]
fn no_attribute_config_or_hook_blinds_the_difference_or_runs_anything() {
    let place = Place::new();
    place.write("a.rs", "fn a() {}\n");
    let base = tree(&place);
    let pwned = place.root().join("pwned");
    let evil = place.script("evil", &format!("touch '{}'; exit 0", pwned.display()));
    let evil = evil.to_str().unwrap();
    place.write(".gitattributes", "* -diff diff=blind merge=blind filter=blind -text\n");
    place.write("a.rs", "fn a() { evil() }\n");
    for (key, value) in [
        ("diff.blind.textconv", evil),
        ("diff.external", evil),
        ("diff.blind.command", evil),
        ("merge.blind.driver", evil),
        ("core.attributesFile", "/dev/null"),
        ("diff.ignoreSubmodules", "all"),
        ("core.fsmonitor", evil),
        ("core.quotePath", "true"),
    ] {
        place.git(&["config", key, value]).ok();
    }
    fs::create_dir_all(place.repo().join(".git/info")).unwrap();
    fs::write(place.repo().join(".git/info/attributes"), "*.rs -diff\n").unwrap();
    let head = tree(&place);
    let _ = fs::remove_file(&pwned);

    let text = diff(&open(&place.repo()), base, head);
    assert!(text.contains("-fn a() {}\n+fn a() { evil() }\n"), "{text}");
    assert!(text.contains("diff --git a/.gitattributes b/.gitattributes"), "{text}");
    assert!(!pwned.exists(), "the repository's config ran something");
}

#[test]
fn a_nul_byte_or_garbage_hides_no_code() {
    let place = Place::new();
    let garbage = b"\x01\xff\x02\xfe\x03system(evil)\x04\xfd\x05\xfc\x06\xfb\x07\xfa\n\x0e\xf1\0\xf2\n";
    place.write("was.txt", garbage.as_slice());
    let base = tree(&place);
    place.write("nul.c", b"int a;\0\nint main() { system(\"evil\"); }\n".as_slice());
    place.write("padded.c", [b"/*".as_slice(), &[0; 9000], b"*/ evil();\n"].concat());
    // After `#`, a shell and Python take anything for a comment.
    let program = [b"x=\n".as_slice(), b"a=rm #\x01\x02\x03\x04\x05\x06\x07\x01\x02\x03\n"].concat();
    for name in ["setup.py", "Makefile", "no-name-of-data.odd"] {
        place.write(name, [program.as_slice(), garbage].concat());
    }
    place.write("text.png", program.as_slice());
    place.executable("run.bin", "");
    place.write("run.bin", garbage.as_slice());
    place.write("mixed.bin", garbage.as_slice());
    let picture: Vec<u8> = (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    place.write("picture.png", picture);
    fs::write(place.repo().join("was.txt"), "now\n").unwrap();
    let head = tree(&place);

    let repo = open(&place.repo());
    let shown = Sealed::over(&repo).unwrap().diff(base, head, &[]).unwrap();
    let text = String::from_utf8_lossy(&shown);
    let section = |name: &str| {
        let rest = text.split_once(&format!("diff --git a/{name} ")).unwrap().1;
        rest.split("diff --git ").next().unwrap().to_owned()
    };
    assert!(section("nul.c").contains("+int main() { system(\"evil\"); }\n"), "{text}");
    assert!(section("padded.c").contains("<9000 times>*/ evil();"), "{text}");
    for name in ["setup.py", "Makefile", "no-name-of-data.odd", "text.png", "run.bin"] {
        assert!(!section(name).contains("<binary"), "{text}");
    }
    for name in ["setup.py", "Makefile", "no-name-of-data.odd", "text.png"] {
        assert!(
            section(name).contains("+a=rm #\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{1}\u{2}\u{3}\n"),
            "{text}"
        );
    }
    for name in ["setup.py", "run.bin"] {
        assert!(section(name).contains("system(evil)\u{4}"), "{text}");
    }
    assert!(section("mixed.bin").contains("+<binary: 2 lines, 31 bytes; readable: system(evil)>"), "{text}");
    assert!(
        section("was.txt").contains("-<binary: 2 lines") && section("was.txt").contains("+now\n"),
        "{text}"
    );
    let picture = section("picture.png");
    assert!(picture.contains("40000 bytes ("), "{text}");
    assert!(picture.len() < 12_000, "a picture is not dumped: {} bytes", picture.len());
}

#[test]
fn modes_links_and_submodules_are_shown() {
    let place = Place::new();
    place.write("run.sh", "echo\n");
    place.write("gone.txt", "gone\n");
    place.write("turns", "a file\n");
    let base = tree(&place);
    place.git(&["update-index", "--chmod=+x", "run.sh"]).ok();
    fs::remove_file(place.repo().join("gone.txt")).unwrap();
    fs::remove_file(place.repo().join("turns")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", place.repo().join("turns")).unwrap();
    place.git(&["add", "gone.txt", "turns"]).ok();
    let commit = place.git_says(&["rev-parse", "HEAD"]);
    place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]).ok();
    place.git(&["commit", "--quiet", "-m", "Odd things"]).ok();
    let head = id(&place.git_says(&["rev-parse", "HEAD^{tree}"]));
    let repo = open(&place.repo());
    let changed = Sealed::over(&repo).unwrap().changed(base, head).unwrap();
    let listed: Vec<String> = changed.iter().map(|one| format!("{} {}", one.status, one.display())).collect();
    assert_eq!(listed, ["D gone.txt", "M run.sh", "A sub", "T turns"]);
    let text = diff(&repo, base, head);
    for part in [
        "new mode 100755",
        &format!("+Subproject commit {commit}"),
        "new file mode 120000",
        "+/etc/passwd",
        "-gone",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

#[test]
fn paths_that_are_no_utf8_or_hide_something_survive() {
    let place = Place::new();
    let base = tree(&place);
    let odd: [&[u8]; 4] =
        [b"caf\xe9.txt", b"a b\tc\nd\"e\\f", "r\u{202e}l".as_bytes(), "日本.txt".as_bytes()];
    for path in odd {
        fs::write(place.repo().join(OsStr::from_bytes(path)), "odd\n").unwrap();
    }
    let head = tree(&place);
    let repo = open(&place.repo());
    let sealed = Sealed::over(&repo).unwrap();
    let changed = sealed.changed(base, head).unwrap();
    let paths: Vec<&[u8]> = changed.iter().map(|changed| changed.path.as_slice()).collect();
    assert_eq!(paths.len(), 4);
    assert!(odd.iter().all(|path| paths.contains(path)));
    let shown: Vec<String> = changed.iter().map(|changed| changed.display()).collect();
    assert_eq!(shown, ["a b<U+0009>c<U+000A>d\"e\\f", "caf<0xE9>.txt", "r<U+202E>l", "日本.txt"]);
    let text = diff(&repo, base, head);
    for path in &shown {
        assert!(text.contains(&format!("diff --git a/{path} b/{path}\n")), "{text}");
        assert!(text.contains(&format!("+++ b/{path}\n")), "{text}");
    }
    let some = sealed.diff(base, head, &[b"caf\xe9.txt"]).unwrap();
    assert_eq!(String::from_utf8(some).unwrap().matches("diff --git").count(), 1);
}

#[test]
fn gits_own_list_of_changes_is_ours() {
    let place = Place::new();
    for n in 0..40 {
        place.write(&format!("d{}/e{}/f{n}.txt", n % 3, n % 5), format!("{n}\n"));
    }
    place.write("d0.txt", "beside a folder\n");
    let base = tree(&place);
    for n in (0..40).step_by(3) {
        place.write(&format!("d{}/e{}/f{n}.txt", n % 3, n % 5), "other\n");
    }
    fs::remove_dir_all(place.repo().join("d1/e1")).unwrap();
    place.write("d1/e1", "a file where a folder was\n");
    let head = tree(&place);
    let theirs = place.git_says(&[
        "diff-tree",
        "-r",
        "--no-renames",
        "--name-status",
        &base.to_string(),
        &head.to_string(),
    ]);
    let ours = Sealed::over(&open(&place.repo())).unwrap().changed(base, head).unwrap();
    let mut theirs: Vec<String> = theirs.lines().map(|line| line.replace('\t', " ")).collect();
    let mut ours: Vec<String> = ours.iter().map(|one| format!("{} {}", one.status, one.display())).collect();
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs);
}

#[test]
fn a_tree_that_names_an_entry_twice_cannot_be_told() {
    let place = Place::new();
    let base = tree(&place);
    let one = place.git_says(&["rev-parse", "HEAD:README.md"]);
    let entry = [b"100644 a\0".as_slice(), id(&one).as_slice()].concat();
    fs::write(place.root().join("twice"), [entry.clone(), entry].concat()).unwrap();
    let head = place.git_says(&["hash-object", "-t", "tree", "-w", "--literally", "../twice"]);
    let error = Sealed::over(&open(&place.repo())).unwrap().diff(base, id(&head), &[]).unwrap_err();
    assert!(error.to_string().contains("names a twice"), "{error:#}");
}

#[test]
fn a_merged_tree_stays_apart_until_it_is_imported() {
    let place = Place::new();
    place.write("a/one.txt", "1\n");
    place.write("b/two.txt", "2\n");
    let base = tree(&place);
    place.write("a/one.txt", "one\n");
    let ours = tree(&place);
    place.git(&["checkout", "--quiet", "HEAD~1"]).ok();
    place.write("b/two.txt", "two\n");
    let theirs = tree(&place);
    let repo = open(&place.repo());
    let sealed = Sealed::over(&repo).unwrap();
    let merged = sealed.merge(base, ours, theirs).unwrap().unwrap();
    assert!(!repo.has(merged));
    sealed.copy_tree_to(&repo, merged).unwrap();
    drop(repo);
    assert_eq!(place.git_says(&["cat-file", "-p", &format!("{merged}:a/one.txt")]), "one");
    assert_eq!(place.git_says(&["cat-file", "-p", &format!("{merged}:b/two.txt")]), "two");
    place.git(&["fsck", "--strict"]).ok();
}

#[test]
fn sha256_repositories_are_read_and_merged_too() {
    let place = Place::new();
    fs::remove_dir_all(place.repo().join(".git")).unwrap();
    place.git(&["init", "--quiet", "--object-format=sha256"]).ok();
    place.write("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    let base = tree(&place);
    place.write("a.txt", "one\n2\n3\n4\n5\n6\n7\n8\n9\n");
    let ours = tree(&place);
    place.write("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    let theirs = tree(&place);
    place.write("a.txt", "one\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    let both = tree(&place);
    let repo = open(&place.repo());
    let sealed = Sealed::over(&repo).unwrap();
    assert_eq!(sealed.merge(base, ours, theirs).unwrap(), Some(both));
    assert!(diff(&repo, base, both).contains("+nine\n"));
}

#[test]
fn what_a_partial_clone_lacks_is_told_with_the_way_to_get_it() {
    let place = Place::new();
    place.git(&["config", "uploadpack.allowFilter", "true"]).ok();
    place.write("a.txt", "1\n");
    let base = tree(&place);
    place.write("a.txt", "2\n");
    let head = tree(&place);
    let url = format!("file://{}", place.repo().display());
    place.git(&["clone", "--quiet", "--filter=blob:none", "--no-checkout", &url, "../partial"]).ok();
    let dir = place.root().join("partial");
    let repo = Repo::open(&dir).unwrap();
    let error = Sealed::over(&repo).unwrap().diff(base, head, &[]).unwrap_err();
    assert!(error.to_string().contains("partial clone"), "{error:#}");
    place.git(&["-C", "../partial", "fetch", "--quiet", "--refetch", "--no-filter"]).ok();
    let diff = Sealed::over(&Repo::open(&dir).unwrap()).unwrap().diff(base, head, &[]).unwrap();
    assert!(String::from_utf8_lossy(&diff).contains("-1\n+2\n"));
}

#[test]
fn a_tree_is_laid_out_as_git_checks_it_out_and_nothing_that_leads_out() {
    let place = Place::new();
    place.write("deep/er/file", "x\n");
    place.executable("run", "#!/bin/sh\n");
    std::os::unix::fs::symlink("er/file", place.repo().join("deep/link")).unwrap();
    place.commit("aux", "a name like any other\n");
    let repo = Repo::open(&place.repo()).unwrap();
    let tree = || repo.tree_of(repo.commit_of("HEAD").unwrap().id).unwrap();
    let to = place.root().join("to");
    std::fs::create_dir(&to).unwrap();
    trees::lay_out(&repo, tree(), &to, |path| path != b"README.md").unwrap();
    let same = ["diff", "-r", "--no-dereference", "-x", ".git", "-x", "README.md", "../to", "."];
    assert_eq!(place.sh(&same.join(" ")).ok().stdout, "");
    assert!(!to.join("README.md").exists());
    assert_eq!(std::fs::read_link(to.join("deep/link")).unwrap(), std::path::Path::new("er/file"));
    for target in ["/etc/passwd", "../../outside", "er/../../../x"] {
        std::fs::remove_file(place.repo().join("deep/link")).unwrap();
        std::os::unix::fs::symlink(target, place.repo().join("deep/link")).unwrap();
        place.git(&["commit", "--quiet", "--all", "-m", "Lead out"]).ok();
        let error = trees::lay_out(&repo, tree(), &to, |_| true).unwrap_err();
        assert!(format!("{error:#}").contains("may lead out"), "{target}: {error:#}");
    }
}
