//! The documents of a spec: begun, written, drafted and approved on a branch that is never checked out.

mod step;

pub use step::{DocumentState, DocumentStatus, Stage, StepStatus, has_content, step_of, steps};
