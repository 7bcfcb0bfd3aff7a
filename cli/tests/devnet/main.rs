//! Networks of real processes on a real chain. They need what `cargo xtask setup` installs.

mod lifetime;
mod recovery;
