//! A refusal of the gate in words: why, the findings, the way out.

use super::{err, hint_line, plain, warning};
use crate::commands::hook::Refused;
use anstyle::AnsiColor;
use std::io::Write;

/// Prints it on standard error, where git shows what hooks say.
pub fn print(refused: &Refused) {
    let red = AnsiColor::Red.on_default().bold();
    let mut text = format!("{red}git flow-ai:{red:#} {}\n", plain(&refused.why));
    for verdict in &refused.blocking {
        let reviewer = &verdict.reviewer;
        text.push_str(&format!(
            "{} ({}): {}\n",
            plain(&reviewer.name),
            reviewer.vendor,
            plain(&verdict.summary)
        ));
        for finding in &verdict.findings {
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            let place = format!("{}{line}: {}", plain(&finding.path), finding.severity);
            text.push_str(&format!("  {place} {}\n", plain(&finding.body)));
            if let Some(suggestion) = &finding.suggestion {
                text.push_str(&format!("    suggestion: {}\n", plain(suggestion)));
            }
        }
    }
    for fix in &refused.fix {
        text.push_str(&hint_line(fix));
    }
    text.push_str(&hint_line("what is asked for and why: man git-flow-ai-gate"));
    // With nowhere left to complain, the exit status has to do.
    let _ = err().write_all(text.as_bytes());
}

/// Says, before the error itself is printed, that doubt is refusal.
pub fn cannot_tell(hook: &str) {
    warning(&format!("the gate cannot tell whether this may go on ({hook}), so it may not"));
}
