//! All journeys, through the real binary and real git, in one test binary.

mod architecture;
mod completions;
mod man;
mod support;
