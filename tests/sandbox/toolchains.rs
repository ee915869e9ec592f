//! Real small builds with the toolchains that this machine has, some of which are in the home of whoever tests.
//! What is not installed is passed over, and a line says so.

use super::{Held, MEANS};
use crate::support::Out;
use std::io::Write;
use std::os::unix::fs::symlink;

/// A toolchain: the program without which it is not tried, and a build in shell.
const BUILDS: &[(&str, &str)] = &[
    (
        "cargo",
        "cargo init --quiet --lib --vcs none --name small rust && cd rust && cargo test --quiet --offline && test -d target/debug",
    ),
    (
        "npm",
        r#"mkdir -p node/dep && cd node && echo '{"name":"dep","version":"1.0.0","bin":"dep.js"}' >dep/package.json
printf '#!/usr/bin/env node\nrequire("fs").writeFileSync(require("os").homedir()+"/made","")\n' >dep/dep.js && chmod +x dep/dep.js
echo '{"name":"small","version":"1.0.0","scripts":{"test":"dep"}}' >package.json
npm install --no-audit --no-fund --offline ./dep >/dev/null && npm test --silent && test -e "$HOME/made""#,
    ),
    (
        "python3",
        r#"mkdir python && cd python && python3 -m venv env && printf 'import unittest\nclass T(unittest.TestCase):\n def test(self): pass\n' >test_it.py
env/bin/python -m unittest -q 2>&1 && env/bin/python -m pip --version >/dev/null"#,
    ),
    (
        "javac",
        r#"mkdir java && cd java && printf 'class A { public static void main(String[] a) throws Exception { java.nio.file.Files.writeString(java.nio.file.Path.of(System.getProperty("user.home"), "java"), "x"); } }' >A.java
javac A.java && java A && test -e "$HOME/java""#,
    ),
    ("mvn", "mvn --offline --quiet --version >/dev/null"),
    (
        "go",
        "mkdir go && cd go && go mod init small >/dev/null 2>&1 && printf 'package small\\nimport \"testing\"\\nfunc Test(t *testing.T) {}\\n' >a_test.go && go test ./... >/dev/null",
    ),
    (
        "gem",
        "mkdir ruby && cd ruby && printf 'Gem::Specification.new { |s| s.name = \"small\"; s.version = \"1\"; s.summary = \"s\"; s.authors = [\"a\"]; s.files = [] }' >s.gemspec && gem build --silent s.gemspec && gem install --user-install --local --silent ./small-1.gem && gem list small | grep -q small",
    ),
];

/// What of the real home the tests' home leads to.
const LINKED: &[&str] = &[".cargo", ".rustup", ".pyenv", ".nvm", ".m2", ".rbenv", ".sdkman"];

#[test]
fn toolchains_work_in_a_home_that_is_thrown_away() {
    for means in MEANS {
        for (program, build) in BUILDS {
            let held = Held::new(means, "echo made >made.txt", "verify = \"sh build.sh\"");
            for name in LINKED {
                let real = std::path::PathBuf::from(std::env::var_os("HOME").unwrap()).join(name);
                if real.exists() {
                    symlink(real, held.outside("home").join(name)).unwrap();
                }
            }
            held.place.commit("build.sh", format!("set -e\ncd \"$(mktemp -d)\"\n{build}\n"));
            let mut command = held.command();
            for name in ["CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR", "RUSTC_WRAPPER"] {
                command.env_remove(name);
            }
            let bare = held.place.sh(&format!(
                "env -u CARGO_TARGET_DIR {program} --version || {program} -version || {program} version"
            ));
            if bare.status != 0 {
                let _ =
                    writeln!(std::io::stderr(), "skipped {program}: it does not work here without a sandbox");
                continue;
            }
            let out = Out::of(command.output().unwrap());
            assert_eq!(out.status, 0, "{means}, {program}\n{}\n{}", out.stdout, out.stderr);
        }
    }
}
