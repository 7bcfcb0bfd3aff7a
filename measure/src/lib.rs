#![doc = include_str!("../README.md")]

mod arguments;
mod bench;
mod clock;
mod quartiles;
mod report;

pub use bench::Bench;
