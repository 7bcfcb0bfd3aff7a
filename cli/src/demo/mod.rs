//! `assay demo`: a devnet that settles good and bad jobs, each checked for how it must end.

mod audit;
mod command;
mod job;
mod report;

pub(crate) use command::{Arguments, run};

pub use audit::{Audited, audit};
pub use job::{Case, Disturbance, JobResult, run_job};
pub use report::Report;
