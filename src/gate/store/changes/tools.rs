//! The addresses by which agents sign commits: presets' own, and those of tools that are none.

use crate::domain::presets;

/// Tools that sign and that are not presets: the address, the tool, and the vendor of its models if
/// it has only one.
const OTHER_TOOLS: &[(&str, &str, Option<&str>)] = &[
    ("google-labs-jules[bot]@users.noreply.github.com", "jules", Some("google")),
    ("jules[bot]@users.noreply.github.com", "jules", Some("google")),
    ("amp@ampcode.com", "amp", None),
    ("devin-ai-integration[bot]@users.noreply.github.com", "devin", None),
    ("openhands@all-hands.dev", "openhands", None),
    ("openhands-agent[bot]@users.noreply.github.com", "openhands", None),
    ("noreply@windsurf.com", "windsurf", None),
    ("factory-droid[bot]@users.noreply.github.com", "droid", None),
    ("jetbrains-junie[bot]@users.noreply.github.com", "junie", None),
    ("junie@jetbrains.com", "junie", None),
    ("amazon-q-developer[bot]@users.noreply.github.com", "amazon-q", None),
    ("coderabbitai[bot]@users.noreply.github.com", "coderabbit", None),
    ("sweep-ai[bot]@users.noreply.github.com", "sweep", None),
    ("lovable-dev[bot]@users.noreply.github.com", "lovable", None),
    ("gpt-engineer-app[bot]@users.noreply.github.com", "lovable", None),
    ("codegen-sh[bot]@users.noreply.github.com", "codegen", None),
    ("crush@charm.land", "crush", None),
];

/// All tools that sign.
pub(super) fn tools() -> impl Iterator<Item = (&'static str, &'static str, Option<&'static str>)> {
    let presets = presets::ALL
        .iter()
        .flat_map(|preset| preset.addresses.iter().map(|address| (*address, preset.name, preset.vendor)));
    presets.chain(OTHER_TOOLS.iter().copied())
}
