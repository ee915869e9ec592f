//! The attacks, in tables.

pub mod files;
pub mod left;
pub mod own;
pub mod processes;
pub mod repository;
pub mod secrets;
pub mod words;

use crate::hostile_agent::row::Attack;

/// The tables with their headings on the page.
pub const TABLES: &[(&str, &[&[Attack]])] = &[
    ("The repository", &[repository::ATTACKS]),
    ("What git would run or believe", &[own::ATTACKS, own::HEAVY]),
    ("Files", &[files::ATTACKS, files::HEAVY]),
    ("Secrets", &[secrets::ATTACKS]),
    ("Processes", &[processes::ATTACKS, processes::HEAVY, processes::ENDLESS]),
    ("Decisions and words", &[words::ATTACKS]),
    ("What is left for the next one", &[left::ATTACKS]),
];
