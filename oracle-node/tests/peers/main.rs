//! Three daemons without a chain, and a fourth member of their committee that says what it likes.

mod daemons;
mod messages;
