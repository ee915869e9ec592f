//! `git flow-ai sandbox`: what starts commands in their bounds and sees to their end.
//!
//! A process can only restrict itself, and only its parent survives to clean up after it, hence these
//! stages of our own program. They are not for users.

use crate::agents::sandbox::hosts::bridge;
use crate::agents::sandbox::launch;
use crate::domain::error::{Exit, Result};
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Called by git flow-ai to start a command in its bounds
#[derive(Debug, Args)]
pub struct SandboxArgs {
    #[command(subcommand)]
    stage: Stage,
}

#[derive(Debug, Subcommand)]
enum Stage {
    /// Start a command, and end all that it started when it ends or its parent does
    Hold(CommandArgs),
    /// Become that command, within the bounds
    Enter(CommandArgs),
    /// Become that command, where these overlays are mounted
    Overlay(OverlayArgs),
    /// Start a command beside a bridge to the proxy's socket
    Bridge(BridgeArgs),
}

#[derive(Debug, Args)]
struct CommandArgs {
    /// The process that called; when it is gone, so is the command
    #[arg(long)]
    parent: i32,
    /// The file that holds the order
    #[arg(long)]
    order: Option<PathBuf>,
    /// The only port that it may connect to
    #[arg(long)]
    port: Option<u16>,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

#[derive(Debug, Args)]
struct OverlayArgs {
    /// The overlays, as JSON
    #[arg(long)]
    overlays: String,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

#[derive(Debug, Args)]
struct BridgeArgs {
    /// The proxy's socket
    #[arg(long)]
    socket: PathBuf,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub fn run(args: SandboxArgs) -> Result<Exit> {
    match args.stage {
        Stage::Hold(args) => {
            let status = launch::guard(args.parent, args.order.as_deref(), &args.command)?;
            // It is the command's, and can be any.
            std::process::exit(status);
        }
        Stage::Enter(args) => {
            match launch::enter(args.parent, args.order.as_deref(), args.port, &args.command)? {}
        }
        Stage::Overlay(args) => match launch::enter_overlays(&args.overlays, &args.command)? {},
        Stage::Bridge(args) => std::process::exit(bridge::run(args.socket, &args.command)?),
    }
}
