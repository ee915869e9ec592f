//! The answer for a person, or for a job's log.

use super::{inert, inert_line, short, who};
use crate::gate::check::{CheckReport, GateAnswer, PartOutcome, ReportPart, StepCounts};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

/// Every part with what lets it in or keeps it out, then the answer; the counts where asked for.
pub fn text(report: &CheckReport, counts: bool) -> String {
    let mut out = String::new();
    for part in &report.parts {
        // Writing to a String cannot fail.
        let _ = write_part(&mut out, part);
    }
    if counts {
        let _ = write_counts(&mut out, &report.report);
    }
    let _ = write_answer(&mut out, report);
    out
}

fn write_part(out: &mut String, part: &ReportPart) -> std::fmt::Result {
    let (style, word) = match part.outcome {
        PartOutcome::Admitted => (AnsiColor::Green.on_default(), "admitted"),
        PartOutcome::Waived => (AnsiColor::Yellow.on_default(), "waived"),
        PartOutcome::Free => (AnsiColor::Green.on_default(), "free"),
        PartOutcome::Blocked => (AnsiColor::Red.on_default().bold(), "blocked"),
        PartOutcome::Missing => (AnsiColor::Red.on_default().bold(), "missing"),
    };
    for commit in &part.commits {
        let subject = inert_line(&commit.subject);
        writeln!(out, "{style}{word:<9}{style:#} {} {subject}", short(&commit.id))?;
    }
    if let Some(why) = &part.why {
        writeln!(out, "          {}", inert_line(why))?;
    }
    for verdict in &part.verdicts {
        writeln!(
            out,
            "          {} by {}{}: {}",
            verdict.decision,
            who(verdict),
            verdict.asked.as_ref().map(|asked| format!(", {asked}")).unwrap_or_default(),
            inert_line(&verdict.summary)
        )?;
        let signed = if verdict.proof.signer.is_some() { "signed " } else { "" };
        writeln!(out, "            {signed}{}", inert_line(&verdict.proof.explanation))?;
        for problem in &verdict.findings {
            let finding = &problem.finding;
            let bold = if problem.blocks { Style::new().bold() } else { Style::new() };
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            writeln!(
                out,
                "            {}{line}: {bold}{}{bold:#} {}",
                inert_line(&finding.path),
                finding.severity,
                indented(&finding.body)
            )?;
            if let Some(suggestion) = &finding.suggestion {
                writeln!(out, "              suggestion: {}", indented(suggestion))?;
            }
        }
    }
    Ok(())
}

/// Further lines below the first.
fn indented(text: &str) -> String {
    inert(text.trim()).trim_end().replace('\n', "\n              ")
}

fn write_counts(out: &mut String, tally: &StepCounts) -> std::fmt::Result {
    let StepCounts { steps, admitted, waived, free, blocked, missing, .. } = tally;
    writeln!(
        out,
        "\nsteps {steps}: admitted {admitted}, waived {waived}, free {free}, blocked {blocked}, missing {missing}"
    )?;
    for (reviewer, steps) in &tally.by_reviewer {
        writeln!(out, "  admitted by {}: {steps}", inert_line(reviewer))?;
    }
    for waiver in &tally.waivers {
        let (by, reason) = (inert_line(&waiver.by), inert_line(&waiver.reason));
        writeln!(out, "  waived by {by}: {} ({reason})", waiver.steps)?;
    }
    Ok(())
}

fn write_answer(out: &mut String, report: &CheckReport) -> std::fmt::Result {
    if !report.parts.is_empty() {
        writeln!(out)?;
    }
    for note in &report.notes {
        writeln!(out, "note: {}", inert_line(note))?;
    }
    let (style, answer) = match report.answer {
        GateAnswer::Yes => (AnsiColor::Green.on_default().bold(), "yes"),
        GateAnswer::No => (AnsiColor::Red.on_default().bold(), "no"),
        GateAnswer::CannotTell => (AnsiColor::Yellow.on_default().bold(), "cannot tell"),
    };
    let target = report.target.as_deref().map(inert_line).unwrap_or_default();
    let new = report.new.as_deref().map(short).unwrap_or_default();
    let what = match (report.answer, report.predicted) {
        (GateAnswer::Yes, false) => format!("`{target}` may become {new}"),
        (GateAnswer::Yes, true) => format!("{new} may be merged into `{target}`"),
        (GateAnswer::No, false) => format!("`{target}` may not become {new}"),
        (GateAnswer::No, true) => format!("{new} may not be merged into `{target}`"),
        (GateAnswer::CannotTell, _) => "nobody can tell here".to_owned(),
    };
    writeln!(out, "{style}{answer}{style:#}: {what}")?;
    // What the parts say already is not repeated.
    let is_repeated = |why: &String| report.parts.iter().any(|part| part.why.as_ref() == Some(why));
    for why in report.why.iter().filter(|why| !is_repeated(why)) {
        writeln!(out, "  {}", inert_line(why))?;
    }
    let cyan = AnsiColor::Cyan.on_default().bold();
    for fix in &report.fix {
        writeln!(out, "{cyan}hint:{cyan:#} {}", inert_line(fix))?;
    }
    Ok(())
}
