//! What each command does. Commands print nothing: they return values and send events.

pub mod clean;
pub mod demo;
pub mod doctor;
pub mod draft;
pub mod hook;
pub mod human_review;
pub mod init;
pub mod merge;
pub mod push;
pub mod recover;
pub mod review;
pub mod run;
pub mod status;
pub mod sync;
pub mod verify;
