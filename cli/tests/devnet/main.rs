//! Networks of real processes on a real chain. They need what `cargo xtask setup` installs.

mod halted;
mod lifetime;
mod recovery;
