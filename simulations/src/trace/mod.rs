//! What happened in a world, in order, with a digest over all of it.
//!
//! A [`Record`] is one [`Event`] at a step and a virtual time. [`Tracer`] numbers and counts them, and
//! keeps the running digest: SHA-256 over each record's canonical borsh bytes, each after its length
//! as a little-endian u32. A file ([`write_header`], [`Writer`], [`Reader`]) holds the same bytes after
//! a header that names everything the run follows from, and ends with the number of records and the
//! digest, so that a file that was cut off or changed is told from a whole one.

mod event;
mod fault;
mod file;
mod tracer;

pub use event::{Channel, Event, Place, Record};
pub use fault::{FaultClass, FaultCounts};
pub use file::{
    End, Header, MAX_HEADER_BYTES, MAX_RECORD_BYTES, Read, Reader, TraceError, Writer, write_header,
};
pub use tracer::{Sink, Tracer};
