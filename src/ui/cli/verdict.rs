//! `git flow-ai verdict`: what reviewers have decided, and which of it still holds.

use crate::commands::verdict::{self, Carried, How, ListedVerdict, Listing, UnreadableLine};
use crate::domain::change::Author;
use crate::domain::error::{Exit, Result};
use crate::domain::text::escape;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::signing::{Envelope, Proves};
use crate::gate::store::Repo;
use crate::ui::report::table::{Cell, Table};
use crate::ui::report::{self, plain, short};
use anstyle::{AnsiColor, Style};
use clap::{Args, Subcommand};
use std::io::Write;

/// List or show verdicts
///
/// Verdicts are kept in refs/notes/flow-ai; after `init`, `git log` shows a line for each. A verdict
/// holds while its reviewer is a rival under the target branch's policy and the commit that it hangs
/// on is what was reviewed. The gate looks further: a verdict on a commit that was rebased or
/// squashed since lets in exactly what was reviewed, wherever it is now.
#[derive(Debug, Args)]
#[command(
    visible_alias = "verdicts",
    after_help = "\
Examples:
  git flow-ai verdict list               of the commits that HEAD has
  git flow-ai verdict list main..topic   of a range
  git flow-ai verdict list --all --json  all there are, for a script
  git flow-ai verdict show topic         whole, with findings
  git flow-ai verdict show --dsse topic  the signed records, for other tools

Exit status: 0 there is a verdict; 1 there is none; 2 cannot tell."
)]
pub struct VerdictArgs {
    #[command(subcommand)]
    command: Option<VerdictCommand>,
}

#[derive(Debug, Subcommand)]
enum VerdictCommand {
    /// List verdicts, the newest commit's first
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show the verdicts on a commit, with their findings
    ///
    /// Where none hangs on it (a merge, a squash, a revert, a commit that was rebased or picked), those
    /// by which the gate lets it in.
    Show(ShowArgs),
}

#[derive(Debug, Default, Args)]
struct ListArgs {
    /// The commits to look at: a range, or a revision and all before it; HEAD when not given
    #[arg(value_name = "REV|RANGE", conflicts_with = "all")]
    revision: Option<String>,

    /// List every verdict there is, also on commits that no branch has any more
    #[arg(long)]
    all: bool,

    /// Print one JSON object: `verdicts`, and `unreadable` with the records that were skipped
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// A commit or branch, or the id of a tree that was judged before it was committed
    #[arg(value_name = "REV", default_value = "HEAD")]
    revision: String,

    /// Print one JSON object: `verdicts`, and `unreadable` with the records that were skipped
    #[arg(long)]
    json: bool,

    /// Print each signed record as a DSSE envelope, one a line, for other tools
    #[arg(long, conflicts_with = "json")]
    dsse: bool,
}

pub fn run(args: VerdictArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    match args.command.unwrap_or(VerdictCommand::List(ListArgs::default())) {
        VerdictCommand::List(args) => list(&repo, &args),
        VerdictCommand::Show(args) => show(&repo, &args),
    }
}

fn list(repo: &Repo, args: &ListArgs) -> Result<Exit> {
    let revision = (!args.all).then_some(args.revision.as_deref().unwrap_or("HEAD"));
    let listing = verdict::list(repo, revision)?;
    if args.json {
        return json(&listing);
    }
    let mut out = report::out();
    if listing.verdicts.is_empty() {
        writeln!(out, "No verdicts here. `git flow-ai review` obtains one; `--all` lists those elsewhere.")?;
    } else {
        let mut table = Table::new([
            "commit",
            "verdict",
            "by",
            "on work of",
            "for",
            "when",
            "signed",
            "holds",
            "subject",
        ]);
        for entry in &listing.verdicts {
            table.row(row(entry));
        }
        out.write_all(table.render().as_bytes())?;
    }
    print_unreadable(&listing);
    Ok(exit(&listing))
}

fn show(repo: &Repo, args: &ShowArgs) -> Result<Exit> {
    let listing = verdict::on(repo, &args.revision)?;
    if args.json {
        return json(&listing);
    }
    let mut out = report::out();
    if args.dsse {
        return export(&mut out, &listing);
    }
    if let Some(carried) = &listing.carried {
        writeln!(out, "{}", how(carried))?;
    } else if listing.verdicts.is_empty() {
        let revision = &args.revision;
        let way = match repo.commit_of(revision) {
            Ok(_) => command_line!(" Have it judged: git flow-ai review {}", plain(revision)),
            // A tree stands for no change until a commit brings it.
            Err(_) => String::new(),
        };
        writeln!(out, "Nobody has judged {}.{way}", plain(revision))?;
    }
    for (index, entry) in listing.verdicts.iter().enumerate() {
        if index > 0 || listing.carried.is_some() {
            writeln!(out)?;
        }
        print(&mut out, entry)?;
    }
    print_unreadable(&listing);
    Ok(exit(&listing))
}

/// How the verdicts that follow are about a commit that none of them hangs on.
fn how(carried: &Carried) -> String {
    let (commit, branch) = (short(&carried.commit), plain(&carried.branch));
    match carried.how {
        How::LetIn => format!("No verdict hangs on {commit} itself; `{branch}` lets it in by:"),
        How::Free => format!("{commit} changes nothing on `{branch}`, so it needs no verdict."),
        How::ShownWith => {
            format!("No verdict is about {commit} alone; it was judged together with others, by:")
        }
    }
}

fn json(listing: &Listing) -> Result<Exit> {
    report::json(listing)?;
    Ok(exit(listing))
}

/// Prints the records with their signatures in the form that other tools read.
fn export(out: &mut impl Write, listing: &Listing) -> Result<Exit> {
    let mut exported = Exit::No;
    for entry in &listing.verdicts {
        if let Some(signature) = &entry.verdict.signature {
            writeln!(out, "{}", escape::for_json(&serde_json::to_string(&Envelope::new(signature))?))?;
            exported = Exit::Yes;
        } else {
            let (decision, on) = (entry.verdict.decision, short(&entry.object));
            report::warning(&format!("left out the {decision} on {on}, which is not signed"));
        }
    }
    print_unreadable(listing);
    Ok(exported)
}

fn exit(listing: &Listing) -> Exit {
    if listing.verdicts.is_empty() { Exit::No } else { Exit::Yes }
}

fn print_unreadable(listing: &Listing) {
    for UnreadableLine { object, why, .. } in &listing.unreadable {
        report::warning(&format!("skipped a record on {}: {why}", short(object)));
    }
    for fault in &listing.faults {
        report::warning(&format!("not a note: {fault}"));
    }
}

fn row(entry: &ListedVerdict) -> [Cell; 9] {
    let verdict = &entry.verdict;
    let decision = match verdict.asked() {
        Some(asked) => format!("{} ({asked})", verdict.decision),
        None => verdict.decision.to_string(),
    };
    [
        short(&entry.object).into(),
        match verdict.decision {
            Decision::Approve => Cell::good(decision),
            Decision::Waive => Cell::pending(decision),
            Decision::RequestChanges => Cell::bad(decision),
        },
        who(&verdict.reviewer).into(),
        verdict.authors.iter().map(brief).collect::<Vec<_>>().join(", ").into(),
        verdict.target.as_str().into(),
        verdict.time.strftime("%Y-%m-%d %H:%M").to_string().into(),
        match (&entry.proof.signer, entry.proof.proves) {
            (Some(signer), Proves::Independence) => Cell::good(signer.clone()),
            (Some(signer), _) => Cell::pending(format!("{signer}, no independence")),
            (None, _) if entry.verdict.signature.is_some() => Cell::pending("in vain"),
            (None, _) if verdict.reviewer.vendor.is_person() => Cell::pending("no, unverified"),
            (None, _) => Cell::pending("no"),
        },
        match &entry.why {
            None => Cell::good("yes"),
            Some(why) => Cell::pending(format!("no: {why}")),
        },
        entry.subject.as_deref().unwrap_or("(not committed)").into(),
    ]
}

/// One verdict, whole.
fn print(out: &mut impl Write, entry: &ListedVerdict) -> Result<()> {
    let (verdict, bold) = (&entry.verdict, Style::new().bold());
    let colour = match verdict.decision {
        Decision::Approve => AnsiColor::Green.on_default().bold(),
        Decision::Waive => AnsiColor::Yellow.on_default().bold(),
        Decision::RequestChanges => AnsiColor::Red.on_default().bold(),
    };
    let subject = plain(entry.subject.as_deref().unwrap_or("not committed")).replace('\n', " ");
    writeln!(out, "{bold}{}{bold:#} {subject}", short(&entry.object))?;
    writeln!(out, "{colour}{}{colour:#} by {}", verdict.decision, plain(&who(&verdict.reviewer)))?;
    writeln!(out, "  on work of  {}", plain(&makers(verdict)))?;
    writeln!(out, "  for         {}, at {}", plain(&verdict.target), verdict.time)?;
    writeln!(
        out,
        "  change      {} to {}",
        verdict.base_tree.to_hex_with_len(10),
        verdict.head_tree.to_hex_with_len(10)
    )?;
    let files = verdict.shown.files.len();
    let plural = if files == 1 { "" } else { "s" };
    writeln!(out, "  was shown   {} bytes, {files} file{plural}", verdict.shown.bytes)?;
    if let Some(asked) = verdict.asked() {
        writeln!(out, "  again       {asked}: its earlier answers on this change were set aside")?;
    }
    if let Some((input, output)) = verdict.tokens {
        let cost = verdict.cost.map(|cost| format!(", ${cost:.4}")).unwrap_or_default();
        writeln!(out, "  used        {input} tokens in, {output} out{cost}")?;
    }
    writeln!(out, "  signed      {}", plain(&entry.proof.explanation))?;
    match &entry.why {
        None => writeln!(out, "  holds       yes")?,
        Some(why) => writeln!(out, "  holds       no: {why}")?,
    }
    for line in plain(verdict.summary.trim()).lines() {
        writeln!(out, "  {line}")?;
    }
    report::findings(out, verdict, &entry.block)?;
    Ok(())
}

/// `codex (openai, gpt-5)`
fn who(author: &Author) -> String {
    match &author.model {
        Some(model) => format!("{} ({}, {model})", author.name, author.vendor),
        None => format!("{} ({})", author.name, author.vendor),
    }
}

/// The same where there is little room: a person by name, an agent by name and vendor.
fn brief(author: &Author) -> String {
    match author.name.split_once(" <") {
        Some((name, _)) if author.vendor.is_person() => name.to_owned(),
        _ => format!("{} ({})", author.name, author.vendor),
    }
}

fn makers(verdict: &Verdict) -> String {
    match verdict.authors.as_slice() {
        [] => "nobody known".to_owned(),
        authors => authors.iter().map(who).collect::<Vec<_>>().join(", "),
    }
}
