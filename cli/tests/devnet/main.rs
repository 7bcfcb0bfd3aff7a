//! Networks of real processes on a real chain. They need what `cargo xtask setup` installs.

mod doctor;
mod halted;
mod lifetime;
mod monitoring;
mod recovery;
