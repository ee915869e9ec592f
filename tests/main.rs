//! All journeys, through the real binary and real git, in one test binary.

mod support;
