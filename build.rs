//! Compiles the hook `reference-transaction` (`src/commands/init/reference_transaction.rs`), which the program
//! carries within itself: `init` writes it into a repository's hooks.
//!
//! The header of that file says why it is a program, and what that asks of cross builds and distributions.

#![allow(clippy::print_stdout, reason = "cargo listens there")]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SOURCE: &str = "src/commands/init/reference_transaction.rs";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCE}");
    let program =
        PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?).join("reference-transaction");
    // With nothing to load it starts in two thirds of the time, and with nothing to relocate in nine tenths of
    // that; but not every system can link it so.
    const STATIC: [&str; 2] = ["-C", "target-feature=+crt-static"];
    for how in [&[STATIC[0], STATIC[1], "-C", "relocation-model=static"][..], &STATIC] {
        if compile(&program, how)?.status.success() {
            return Ok(());
        }
    }
    let output = compile(&program, &[])?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

/// As cargo itself would: the same compiler, target, linker and flags, whatever the profile.
fn compile(program: &Path, how: &[&str]) -> Result<Output, Box<dyn Error>> {
    let told = |name: &str| env::var(name).map_err(|_| format!("cargo sets no {name}"));
    let mut rustc = Command::new(told("RUSTC")?);
    rustc.args(["--edition", "2024", "--crate-name", "reference_transaction", "--target", &told("TARGET")?]);
    rustc.args(["-C", "opt-level=s", "-C", "lto=fat", "-C", "codegen-units=1"]);
    rustc.args(["-C", "panic=abort", "-C", "strip=symbols"]).args(how);
    if let Ok(linker) = told("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let flags = told("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    Ok(rustc.arg("-o").arg(program).arg(SOURCE).output()?)
}
