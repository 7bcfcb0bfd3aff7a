//! What a machine keeps of the transactions that it sent.

use alloy_primitives::B256;

use crate::event::Execution;
use crate::fees::Fees;
use crate::machine::{Order, Purpose, Sighting, Snapshot};

#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) hash: B256,
    pub(crate) purpose: Purpose,
}

/// The nonce in use.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) nonce: u64,
    pub(crate) purpose: Purpose,
    pub(crate) after: B256,
    pub(crate) fees: Fees,
    /// Newest last.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) sent: usize,
    pub(crate) sent_at: u64,
    pub(crate) must_bump: bool,
    pub(crate) taken_sightings: u32,
    /// Whether it was told that others settled what this would.
    pub(crate) needless: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Confirming {
    pub(crate) hash: B256,
    pub(crate) nonce: u64,
    pub(crate) fees: Fees,
    pub(crate) purpose: Purpose,
    pub(crate) after: B256,
}

impl Flight {
    pub(crate) fn new(order: &Order, head: u64) -> Self {
        Self {
            nonce: order.nonce,
            purpose: order.purpose.clone(),
            after: order.after,
            fees: order.fees,
            attempts: Vec::new(),
            sent: 0,
            sent_at: head,
            must_bump: false,
            taken_sightings: 0,
            needless: false,
        }
    }

    pub(crate) fn again(it: Confirming, head: u64) -> Self {
        let attempt = Attempt { hash: it.hash, purpose: it.purpose.clone() };
        Self {
            nonce: it.nonce,
            purpose: it.purpose,
            after: it.after,
            fees: it.fees,
            attempts: vec![attempt],
            sent: 1,
            sent_at: head,
            must_bump: false,
            taken_sightings: 0,
            needless: false,
        }
    }

    pub(crate) fn is_submission(&self) -> bool {
        match self.purpose {
            Purpose::Submit(_) => true,
            Purpose::Cancel => false,
        }
    }

    /// Whether the endpoint has any of its transactions.
    pub(crate) fn pooled(&self, snapshot: &Snapshot) -> bool {
        self.attempts.iter().any(|it| snapshot.seen.contains_key(&it.hash))
    }

    pub(crate) fn mined(&self, snapshot: &Snapshot) -> Option<(Attempt, u64, u64, Execution)> {
        self.attempts.iter().find_map(|attempt| match snapshot.seen.get(&attempt.hash) {
            Some(Sighting::Mined { block, gas_used, end }) => {
                Some((attempt.clone(), *block, *gas_used, *end))
            }
            Some(Sighting::Pooled) | None => None,
        })
    }
}
