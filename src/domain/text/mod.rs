//! Text for people, models, terminals and shells.

mod enclosing;
pub mod escape;
pub mod lookalike;
pub mod opaque;
pub mod placed;
pub mod shell;
pub mod shown;
pub mod units;
