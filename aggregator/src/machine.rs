//! Every decision of a submitter, as a pure state machine: a [`Snapshot`] of the chain in, a [`Decision`] out.
//!
//! At most one nonce is in use at a time. A transaction is recorded here before it is sent, so that a lost answer can't
//! make a second one. Nothing here needs to survive a restart: what a former process sent shows as a gap between mined and
//! pending nonce, and is waited for, then replaced.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::B256;

use crate::certificate::Certificate;
use crate::config::{Policy, Turn};
use crate::event::{Execution, SubmitterEvent};
use crate::fault::SendFault;
use crate::fees::{self, Fees, Market};
use crate::flight::{Attempt, Confirming, Flight};

/// Transactions with one nonce that are watched; older ones are forgotten.
const ATTEMPTS_MAX: usize = 32;
/// Mined transactions that wait for their depth.
const CONFIRMING_MAX: usize = 64;
/// Looks in a row that must show a nonce used and none of our receipts, before the nonce counts as taken.
const TAKEN_SIGHTINGS: u32 = 2;

/// The chain as one endpoint shows it, read in this order: hub, certificate, nonces, transactions.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Milliseconds of a clock that never goes back.
    pub now_ms: u64,
    /// Number of the last block.
    pub head: u64,
    /// What the chain asks.
    pub market: Market,
    /// Ledger height up to which the hub has recorded.
    pub hub_height: u64,
    /// The hub's accumulator.
    pub hub_acc: B256,
    /// A checked certificate that extends `hub_acc`.
    pub certificate: Option<Arc<Certificate>>,
    /// The account's wei.
    pub balance: u128,
    /// The account's transactions that are mined.
    pub nonce_mined: u64,
    /// The same, with those that wait.
    pub nonce_pending: u64,
    /// Of the transactions in [`Machine::watched`], those that the endpoint knows.
    pub seen: BTreeMap<B256, Sighting>,
}

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Waiting.
    Pooled,
    /// In a block.
    Mined {
        /// The block's number.
        block: u64,
        /// Gas used.
        gas_used: u64,
        /// How it ended.
        end: Execution,
    },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing, until the next snapshot.
    Wait(Waiting),
    /// Estimate, sign, record with [`Machine::sending`], and send.
    Send(Order),
    /// Send a transaction again as it is: the endpoint has none of those with its nonce.
    Rebroadcast {
        /// The transaction.
        hash: B256,
    },
}

/// What a submitter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// A certificate.
    Certificate,
    /// Its turn.
    Turn {
        /// Milliseconds until then.
        remaining_ms: u64,
    },
    /// A transaction of ours.
    Pending,
    /// A transaction of this account that this process did not send.
    Foreign,
    /// Lower fees.
    Fees,
    /// A later block, after something was refused.
    Hold,
}

/// A transaction to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What for.
    pub purpose: Purpose,
    /// The hub's accumulator that the purpose is about.
    pub after: B256,
    /// The account's nonce.
    pub nonce: u64,
    /// What to offer.
    pub fees: Fees,
}

/// What a transaction is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Settle.
    Submit(Arc<Certificate>),
    /// Free the nonce of a submission that others made needless, at the lowest cost.
    Cancel,
}

/// The state of one hub's submitter.
#[derive(Debug)]
pub struct Machine {
    turn: Turn,
    policy: Policy,
    flight: Option<Flight>,
    confirming: Vec<Confirming>,
    /// Since when the oldest unsettled height could have been submitted.
    waiting_since: Option<(u64, u64)>,
    /// A pending transaction that isn't ours: its nonce and the head when it was first seen.
    foreign: Option<(u64, u64)>,
    /// An accumulator not to be tried before a block.
    hold: Option<(B256, u64)>,
    balance_low: bool,
    fees_too_high: bool,
    pool_full: bool,
    head: u64,
    events: Vec<SubmitterEvent>,
}

impl Machine {
    /// Nothing sent yet.
    pub fn new(turn: Turn, policy: Policy) -> Self {
        Self {
            turn,
            policy,
            flight: None,
            confirming: Vec::new(),
            waiting_since: None,
            foreign: None,
            hold: None,
            balance_low: false,
            fees_too_high: false,
            pool_full: false,
            head: 0,
            events: Vec::new(),
        }
    }

    /// Sets whose turn it is, at the start of an epoch.
    pub fn set_turn(&mut self, turn: Turn) {
        self.turn = turn;
    }

    /// The transactions to look for.
    pub fn watched(&self) -> Vec<B256> {
        let flight = self.flight.iter().flat_map(|it| it.attempts.iter().map(|a| a.hash));
        flight.chain(self.confirming.iter().map(|it| it.hash)).collect()
    }

    /// Events since the last call.
    pub fn take_events(&mut self) -> Vec<SubmitterEvent> {
        std::mem::take(&mut self.events)
    }

    /// What to do, seeing this.
    pub fn decide(&mut self, snapshot: &Snapshot) -> Decision {
        self.head = snapshot.head;
        self.warn_of_balance(snapshot);
        self.follow_confirming(snapshot);
        match self.flight.take() {
            Some(flight) => self.decide_in_flight(flight, snapshot),
            None => self.decide_idle(snapshot),
        }
    }

    /// An order's transaction is signed and about to be sent.
    pub fn sending(&mut self, order: &Order, hash: B256) {
        let mut flight = match self.flight.take() {
            Some(flight) if flight.nonce == order.nonce => flight,
            _ => Flight::new(order, self.head),
        };
        self.events.push(match &order.purpose {
            Purpose::Submit(certificate) => SubmitterEvent::Submitting {
                height: certificate.height,
                nonce: order.nonce,
                hash,
                fees: order.fees,
                replaced: flight.sent,
            },
            Purpose::Cancel => {
                SubmitterEvent::Cancelling { nonce: order.nonce, hash, fees: order.fees }
            }
        });
        flight.purpose = order.purpose.clone();
        flight.after = order.after;
        flight.fees = order.fees;
        flight.sent = flight.sent.saturating_add(1);
        flight.sent_at = self.head;
        flight.must_bump = false;
        if flight.attempts.len() >= ATTEMPTS_MAX {
            flight.attempts.remove(0);
        }
        flight.attempts.push(Attempt { hash, purpose: order.purpose.clone() });
        self.flight = Some(flight);
    }

    /// The last transaction was not taken.
    pub fn not_sent(&mut self, fault: SendFault) {
        let Some(mut flight) = self.flight.take() else { return };
        match fault {
            SendFault::AlreadyKnown | SendFault::Unknown(_) => {}
            SendFault::PoolFull(reason) => {
                if !self.pool_full {
                    self.events.push(SubmitterEvent::PoolFull { reason });
                }
                self.pool_full = true;
            }
            SendFault::NonceTooLow => {
                flight.attempts.pop();
                // The next snapshot shows who used it: one of our attempts, or somebody else.
                if flight.attempts.is_empty() {
                    self.events.push(SubmitterEvent::NonceTaken { nonce: flight.nonce });
                    return;
                }
            }
            SendFault::Underpriced => {
                flight.attempts.pop();
                flight.must_bump = true;
            }
            // Other nodes may have it from before.
            SendFault::FeeTooLow => flight.must_bump = true,
            SendFault::InsufficientFunds => {
                flight.attempts.pop();
                self.balance_low = false;
                return self.give_up(flight, "the account can't pay for it".into());
            }
            SendFault::Rejected(reason) => {
                flight.attempts.pop();
                return self.give_up(flight, reason);
            }
        }
        self.flight = Some(flight);
    }

    /// A submission would fail, so nothing was sent.
    pub fn refused(&mut self, order: &Order, reason: String) {
        if let Purpose::Submit(certificate) = &order.purpose {
            self.hold_back(certificate.acc);
            self.events.push(SubmitterEvent::Refused { height: certificate.height, reason });
        }
        self.not_built();
    }

    /// A submission came too late, so nothing was sent; the next look shows what is left to do.
    pub fn overtaken(&mut self) {
        self.not_built();
    }

    /// The order led to no transaction; what was sent before stays.
    fn not_built(&mut self) {
        self.flight = self
            .flight
            .take()
            .filter(|it| !it.attempts.is_empty())
            .map(|flight| Flight { sent_at: self.head, must_bump: false, ..flight });
    }

    /// A certificate is wrong, so it never became part of a snapshot.
    pub fn note_refused(&mut self, height: u64, reason: String) {
        self.events.push(SubmitterEvent::Refused { height, reason });
    }

    /// Drops a rejected try; earlier ones may still be mined.
    fn give_up(&mut self, flight: Flight, reason: String) {
        self.events.push(SubmitterEvent::Rejected { reason });
        if let Purpose::Submit(certificate) = &flight.purpose {
            self.hold_back(certificate.acc);
        }
        if !flight.attempts.is_empty() {
            self.flight = Some(flight);
        }
    }

    fn hold_back(&mut self, acc: B256) {
        self.hold = Some((acc, self.head.saturating_add(self.policy.bump_after_blocks)));
    }

    fn held(&self, acc: B256) -> bool {
        self.hold.is_some_and(|(held, until)| held == acc && self.head < until)
    }

    fn warn_of_balance(&mut self, snapshot: &Snapshot) {
        let low = snapshot.balance < self.policy.balance_low_wei;
        if low && !self.balance_low {
            self.events.push(SubmitterEvent::BalanceLow { balance: snapshot.balance });
        }
        self.balance_low = low;
    }

    fn follow_confirming(&mut self, snapshot: &Snapshot) {
        for it in std::mem::take(&mut self.confirming) {
            match snapshot.seen.get(&it.hash) {
                Some(Sighting::Mined { block, gas_used, end }) => {
                    if depth(snapshot.head, *block) < self.policy.confirmations {
                        self.confirming.push(it);
                    } else if let (Purpose::Submit(certificate), Execution::Succeeded) =
                        (&it.purpose, end)
                    {
                        self.events.push(SubmitterEvent::Settled {
                            height: certificate.height,
                            acc: certificate.acc,
                            hash: it.hash,
                            gas_used: *gas_used,
                        });
                    }
                }
                Some(Sighting::Pooled) | None => {
                    self.events.push(SubmitterEvent::Reorged { hash: it.hash });
                    // It may be mined again, or not: from here on it is a transaction in flight like any other.
                    if self.flight.is_none() {
                        self.flight = Some(Flight::again(it, snapshot.head));
                    }
                }
            }
        }
    }

    fn decide_idle(&mut self, snapshot: &Snapshot) -> Decision {
        let Some(certificate) = snapshot.certificate.clone() else {
            self.waiting_since = None;
            self.foreign = None;
            return Decision::Wait(Waiting::Certificate);
        };
        if certificate.height <= snapshot.hub_height {
            return Decision::Wait(Waiting::Certificate);
        }
        if let Some(remaining_ms) = self.turn_remaining(&certificate, snapshot.now_ms) {
            return Decision::Wait(Waiting::Turn { remaining_ms });
        }
        if self.held(certificate.acc) {
            return Decision::Wait(Waiting::Hold);
        }
        let nonce = snapshot.nonce_mined;
        if snapshot.nonce_pending <= nonce {
            self.foreign = None;
        } else if !self.may_take_over(nonce) {
            return Decision::Wait(Waiting::Foreign);
        }
        match fees::first(snapshot.market, &self.policy) {
            Ok(fees) => {
                self.fees_too_high = false;
                let purpose = Purpose::Submit(certificate);
                Decision::Send(Order { purpose, after: snapshot.hub_acc, nonce, fees })
            }
            Err(needed) => self.wait_for_fees(needed),
        }
    }

    /// Milliseconds that other operators still have before this one.
    fn turn_remaining(&mut self, certificate: &Certificate, now_ms: u64) -> Option<u64> {
        let first = certificate.first_height();
        let since = match self.waiting_since {
            Some((height, since)) if height == first => since,
            _ => {
                self.waiting_since = Some((first, now_ms));
                now_ms
            }
        };
        let delay = self.turn.delays(first).saturating_mul(self.policy.turn_delay_ms);
        let due = since.saturating_add(delay);
        (due > now_ms).then(|| due - now_ms)
    }

    /// Whether a pending transaction that isn't ours has waited long enough to be replaced.
    fn may_take_over(&mut self, nonce: u64) -> bool {
        match self.foreign {
            Some((seen, since)) if seen == nonce => {
                let over = self.head.saturating_sub(since) >= self.policy.bump_after_blocks;
                if over {
                    self.events.push(SubmitterEvent::TakingOver { nonce });
                }
                over
            }
            _ => {
                self.foreign = Some((nonce, self.head));
                false
            }
        }
    }

    fn decide_in_flight(&mut self, mut flight: Flight, snapshot: &Snapshot) -> Decision {
        if let Some((attempt, block, gas_used, end)) = flight.mined(snapshot) {
            self.events.push(SubmitterEvent::Mined { hash: attempt.hash, block, gas_used, end });
            if let (Purpose::Submit(certificate), Execution::Reverted) = (&attempt.purpose, end) {
                self.hold_back(certificate.acc);
            }
            if self.confirming.len() < CONFIRMING_MAX {
                self.confirming.push(Confirming {
                    hash: attempt.hash,
                    nonce: flight.nonce,
                    fees: flight.fees,
                    purpose: attempt.purpose,
                    after: flight.after,
                });
            }
            self.follow_confirming(snapshot);
            return match self.flight {
                Some(_) => Decision::Wait(Waiting::Pending),
                None => self.decide_idle(snapshot),
            };
        }
        if snapshot.nonce_mined > flight.nonce {
            flight.taken_sightings = flight.taken_sightings.saturating_add(1);
            if flight.taken_sightings < TAKEN_SIGHTINGS {
                self.flight = Some(flight);
                return Decision::Wait(Waiting::Pending);
            }
            self.events.push(SubmitterEvent::NonceTaken { nonce: flight.nonce });
            return self.decide_idle(snapshot);
        }
        flight.taken_sightings = 0;
        let pooled = flight.pooled(snapshot);
        self.pool_full &= !pooled;
        if let Purpose::Submit(certificate) = &flight.purpose
            && snapshot.hub_height >= certificate.height
        {
            if !flight.needless {
                self.events.push(SubmitterEvent::SettledElsewhere { height: certificate.height });
                flight.needless = true;
            }
            if !pooled {
                return Decision::Wait(Waiting::Certificate);
            }
            return self.replace(flight, Purpose::Cancel, snapshot);
        }
        let waited = snapshot.head.saturating_sub(flight.sent_at);
        let stale = flight.is_submission() && snapshot.hub_acc != flight.after;
        if stale || flight.must_bump || waited >= self.policy.bump_after_blocks {
            let purpose = match &snapshot.certificate {
                Some(newest) if flight.is_submission() => Purpose::Submit(newest.clone()),
                _ if stale => Purpose::Cancel,
                _ => flight.purpose.clone(),
            };
            return self.replace(flight, purpose, snapshot);
        }
        let newest = flight.attempts.last().map(|it| it.hash);
        self.flight = Some(flight);
        match newest {
            Some(hash) if !pooled => Decision::Rebroadcast { hash },
            _ => Decision::Wait(Waiting::Pending),
        }
    }

    /// The same nonce with higher fees, if the limit allows. What was sent stays watched.
    fn replace(&mut self, flight: Flight, purpose: Purpose, snapshot: &Snapshot) -> Decision {
        let (nonce, after) = (flight.nonce, snapshot.hub_acc);
        // Where nothing waits with this nonce, nothing has to be outbid.
        let alone = !flight.pooled(snapshot) && snapshot.nonce_pending <= nonce;
        let offer = match fees::bumped(flight.fees, snapshot.market, &self.policy) {
            Err(_) if alone => fees::first(snapshot.market, &self.policy),
            other => other,
        };
        self.flight = Some(flight);
        match offer {
            Ok(fees) => {
                self.fees_too_high = false;
                Decision::Send(Order { purpose, after, nonce, fees })
            }
            Err(needed) => self.wait_for_fees(needed),
        }
    }

    fn wait_for_fees(&mut self, needed: u128) -> Decision {
        if !self.fees_too_high {
            self.fees_too_high = true;
            let limit = self.policy.fee_max_wei;
            self.events.push(SubmitterEvent::FeesTooHigh { needed, limit });
        }
        Decision::Wait(Waiting::Fees)
    }
}

/// Blocks from a transaction's own to the head, both counted.
fn depth(head: u64, block: u64) -> u64 {
    head.saturating_sub(block).saturating_add(1)
}
