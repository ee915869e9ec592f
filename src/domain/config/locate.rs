//! Where something stands in a config: a message about what only the whole file shows to be wrong points at
//! the line all the same.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One part of the way to a value.
#[derive(Debug, Clone, Copy)]
pub(in crate::domain) enum Key<'a> {
    /// In a table.
    Of(&'a str),
    /// In an array, from 0.
    At(usize),
}

/// The place of that value in the text; of the last part of the way to it that is there. `None` if there is
/// no such part, or the text is not TOML.
pub(super) fn place(text: &str, way: &[Key<'_>]) -> Option<Range<usize>> {
    let root = DeTable::parse(text).ok()?.into_inner();
    let mut found = None;
    let mut at = Some(&DeValue::Table(root));
    let mut next;
    for key in way {
        next = match (at, key) {
            (Some(DeValue::Table(table)), Key::Of(name)) => entry(table, name),
            (Some(DeValue::Array(array)), Key::At(index)) => {
                array.get(*index).map(|value| (value.span(), value.get_ref()))
            }
            _ => None,
        };
        let Some((span, value)) = next else { break };
        found = Some(span);
        at = Some(value);
    }
    found
}

/// The value of that name; a table is shown by its name, which stands on one line.
fn entry<'a>(table: &'a DeTable<'_>, name: &str) -> Option<(Range<usize>, &'a DeValue<'a>)> {
    let is_named = |(key, _): &(&Spanned<_>, _)| {
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        key.as_ref() == name
    };
    let (key, value) = table.iter().find(is_named)?;
    let span = if matches!(value.get_ref(), DeValue::Table(_)) { key.span() } else { value.span() };
    Some((span, value.get_ref()))
}
