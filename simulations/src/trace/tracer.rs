//! Where a world tells what happens.

use alloy_primitives::B256;
use sha2::{Digest as _, Sha256};

use super::{Event, FaultClass, FaultCounts, Record};

/// Takes records as they happen: a checker, a file, a comparison with one.
pub trait Sink {
    /// One more record, and its canonical bytes.
    fn take(&mut self, record: &Record, bytes: &[u8]);

    /// Whether the run need not go on: something was found that ends it.
    fn is_done(&self) -> bool {
        false
    }
}

/// Numbers what happens, counts faults, keeps the digest, and hands records on.
pub struct Tracer<'a> {
    hasher: Sha256,
    bytes: Vec<u8>,
    records: u64,
    step: u64,
    at_ms: u64,
    faults: FaultCounts,
    sinks: Vec<&'a mut dyn Sink>,
}

impl<'a> Tracer<'a> {
    /// A tracer before the first record.
    pub fn new(sinks: Vec<&'a mut dyn Sink>) -> Self {
        Self {
            hasher: Sha256::new(),
            bytes: Vec::new(),
            records: 0,
            step: 0,
            at_ms: 0,
            faults: FaultCounts::default(),
            sinks,
        }
    }

    /// The scheduler goes on to the next step, at this virtual time.
    pub fn step(&mut self, at_ms: u64) {
        self.step = self.step.saturating_add(1);
        self.at_ms = at_ms;
    }

    /// Something happened in this step.
    pub fn tell(&mut self, event: Event) {
        let record = Record { step: self.step, at_ms: self.at_ms, event };
        self.bytes.clear();
        // Writing to memory does not fail.
        let _ = borsh::to_writer(&mut self.bytes, &record);
        self.hasher.update(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.hasher.update(&self.bytes);
        self.records = self.records.saturating_add(1);
        if let Event::Fault { class, .. } = &record.event {
            self.faults.add(*class);
        }
        for sink in &mut self.sinks {
            sink.take(&record, &self.bytes);
        }
    }

    /// A fault of one operator, or an act of an adversary.
    pub fn fault(&mut self, class: FaultClass, at: protocol::ids::OperatorIndex) {
        self.tell(Event::Fault { class, at: Some(at), other: None });
    }

    /// Whether a sink wants the run to end.
    pub fn is_done(&self) -> bool {
        self.sinks.iter().any(|sink| sink.is_done())
    }

    /// The digest over all records so far.
    pub fn digest(&self) -> B256 {
        B256::from(<[u8; 32]>::from(self.hasher.clone().finalize()))
    }

    /// Records so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Faults injected so far.
    pub fn faults(&self) -> &FaultCounts {
        &self.faults
    }
}
