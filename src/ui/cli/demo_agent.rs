//! `git flow-ai demo-agent`: the scripted agents of the demo.

use crate::commands::demo;
use crate::domain::error::{Exit, Result};
use crate::ui::report;
use anyhow::Context;
use clap::Args;
use std::io::{Read, Write, stdin};

/// An agent of the demo
#[derive(Debug, Args)]
pub struct DemoAgentArgs {}

/// Prompt on standard input, answer on standard output, as every agent.
pub fn run(_: DemoAgentArgs) -> Result<Exit> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let mut prompt = String::new();
    stdin().lock().read_to_string(&mut prompt).context("cannot read the prompt")?;
    let dir = std::env::current_dir().context("cannot tell the current folder")?;
    let answer = demo::act(&variable("GIT_FLOW_AI_MODE"), &variable("GIT_FLOW_AI_TASK"), &prompt, &dir)?;
    writeln!(report::out(), "{answer}")?;
    Ok(Exit::Yes)
}
