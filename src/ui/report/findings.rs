//! Findings as compilers print errors: `path:line: P1 message`, so that editors jump to them.

use super::{first_line, plain};
use crate::domain::verdict::{Finding, Severity, Verdict};
use anstyle::{AnsiColor, Style};
use std::io::{Result, Write};

/// Prints a verdict's findings, the worst first; those of a blocking severity in red. Further lines of
/// a message, and the suggestion, are indented below.
pub fn findings(out: &mut impl Write, verdict: &Verdict, block: &[Severity]) -> Result<()> {
    let mut findings: Vec<&Finding> = verdict.findings.iter().collect();
    findings
        .sort_by(|one, two| (one.severity, &one.path, one.line).cmp(&(two.severity, &two.path, two.line)));
    for finding in findings {
        let style = style(finding.severity, block);
        let bold = Style::new().bold();
        let line = finding.line.map(|line| format!("{line}:")).unwrap_or_default();
        let body = plain(finding.body.trim());
        let mut lines = body.lines();
        writeln!(
            out,
            "{bold}{path}:{line}{bold:#} {style}{severity}{style:#} {first}",
            path = one_line(&finding.path),
            severity = finding.severity,
            first = lines.next().unwrap_or_default(),
        )?;
        for line in lines {
            writeln!(out, "    {line}")?;
        }
        if let Some(suggestion) = &finding.suggestion {
            for (index, line) in plain(suggestion.trim()).lines().enumerate() {
                let label = if index == 0 { "suggestion: " } else { "            " };
                writeln!(out, "    {label}{line}")?;
            }
        }
    }
    Ok(())
}

/// A finding in one line without colour: where, how bad, and how its message begins.
pub fn headline(finding: &Finding) -> String {
    let line = finding.line.map(|line| format!("{line}:")).unwrap_or_default();
    let path = one_line(&finding.path);
    format!("{path}:{line} {} {}", finding.severity, first_line(&finding.body, 200))
}

fn style(severity: Severity, block: &[Severity]) -> Style {
    match severity {
        severity if block.contains(&severity) => AnsiColor::Red.on_default().bold(),
        Severity::P0 | Severity::P1 | Severity::P2 => AnsiColor::Yellow.on_default(),
        Severity::P3 => AnsiColor::Cyan.on_default(),
    }
}

/// A path cannot begin a line of its own.
fn one_line(path: &str) -> String {
    plain(path).replace(['\n', '\t'], " ")
}
