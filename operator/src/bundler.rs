//! This operator's own bundles: one at a time, numbered without a gap.

use std::collections::BTreeSet;

use protocol::{
    bundle::{Bundle, MAX_BUNDLE_BYTES, MAX_BUNDLE_FACTS, SignedBundle},
    ecdsa::Signer,
    fact::Fact,
    ids::{JobId, LedgerTime, OperatorIndex},
    ledger::{Ledger, SkipCode, State},
};

use crate::{
    effect::{Effect, JournalKey, Topic, Warning},
    frame::{self, Backoff},
};

/// What a bundle has beyond its facts, at most: operator, number, time, length, signature.
const BUNDLE_FRAMING_BYTES: usize = 128;

/// Pauses between attempts to get a bundle into a block.
const RESEND_MS: (u64, u64) = (1_000, 8_000);

/// How long a clock waits for a member's facts before the member speaks without any: a bundle of
/// nothing would take the place of the one with its facts.
const CLOCK_PATIENCE_MS: u64 = 500;

/// How often a member speaks while something is open.
const HEARTBEAT_OPEN_MS: u64 = 10_000;

/// How often a member speaks while nothing is: less than ledger time moves in a block, so that
/// it never falls behind.
const HEARTBEAT_IDLE_MS: u64 = 20_000;

/// The most skipped facts that are remembered; beyond that the oldest may be stated again.
const MAX_SUPPRESSED: usize = 8192;

/// Which fact about a job was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FactKind {
    Saw,
    Got,
    Commit,
    Reveal,
}

/// The bundle in flight, and what not to say again.
#[derive(Debug)]
pub(crate) struct Bundler {
    me: OperatorIndex,
    pending: Option<(SignedBundle, Backoff)>,
    last_number: u64,
    /// Since when a clock waits for this member.
    clock_waits_since_ms: Option<u64>,
    suppressed: BTreeSet<(JobId, FactKind)>,
}

impl Bundler {
    pub(crate) fn new(me: OperatorIndex, journal: Option<SignedBundle>) -> Self {
        let last_number = journal.as_ref().map_or(0, |signed| signed.bundle.number);
        let pending = journal.map(|signed| (signed, Backoff::new(RESEND_MS.0, RESEND_MS.1)));
        Self { me, pending, last_number, clock_waits_since_ms: None, suppressed: BTreeSet::new() }
    }

    /// The bundle that is not in a block yet.
    pub(crate) fn pending(&self) -> Option<&SignedBundle> {
        self.pending.as_ref().map(|(signed, _)| signed)
    }

    /// Looks at what the ledger has of this member.
    pub(crate) fn decided(&mut self, ledger: &Ledger) -> Option<Warning> {
        let applied = ledger.state().member(self.me).map_or(0, |member| member.bundles);
        if self.pending().is_some_and(|signed| signed.bundle.number <= applied) {
            self.pending = None;
        }
        let foreign = applied > self.last_number;
        let warning = Warning::ForeignBundle { ledger: applied, journal: self.last_number };
        self.last_number = self.last_number.max(applied);
        foreign.then_some(warning)
    }

    /// Notes that a fact of the bundle that was just applied made no sense.
    pub(crate) fn skipped(&mut self, fact: &Fact, code: SkipCode) {
        let Some(key) = key_of(fact) else { return };
        // The ledger had no room: the fact is stated again.
        if code != SkipCode::Full {
            self.suppressed.insert(key);
            if self.suppressed.len() > MAX_SUPPRESSED {
                self.suppressed.pop_first();
            }
        }
    }

    /// Forgets about concluded jobs.
    pub(crate) fn prune(&mut self, ledger: &Ledger) {
        self.suppressed
            .retain(|(job, kind)| ledger.state().jobs.contains_key(job) || *kind == FactKind::Saw);
    }

    /// Signs the next bundle if there is something to say, and none is in flight.
    pub(crate) fn next(
        &mut self,
        ledger: &Ledger,
        signer: &Signer,
        now_ms: u64,
        facts: impl Iterator<Item = Fact>,
    ) -> Option<SignedBundle> {
        if self.pending.is_some() {
            return None;
        }
        let facts = self.fitting(facts);
        if facts.is_empty() && !self.should_tick(ledger, now_ms) {
            return None;
        }
        let state = ledger.state().member(self.me)?;
        let bundle = Bundle {
            operator: self.me,
            number: self.last_number.checked_add(1)?,
            time: LedgerTime(now_ms).max(state.time),
            facts,
        };
        self.last_number = bundle.number;
        let signed = bundle.sign_by(ledger.signatures(), ledger.state().ledger_id, signer);
        self.pending = Some((signed.clone(), Backoff::new(RESEND_MS.0, RESEND_MS.1)));
        Some(signed)
    }

    /// Whether the bundle in flight keeps one of these facts waiting.
    pub(crate) fn holds_up(&self, mut facts: impl Iterator<Item = Fact>) -> bool {
        let Some(signed) = self.pending() else { return false };
        facts.any(|fact| !self.is_suppressed(&fact) && !signed.bundle.facts.contains(&fact))
    }

    fn is_suppressed(&self, fact: &Fact) -> bool {
        key_of(fact).is_some_and(|key| self.suppressed.contains(&key))
    }

    /// What makes the bundle durable before anybody sees it.
    pub(crate) fn persist(signed: &SignedBundle) -> Effect {
        Effect::Persist { key: JournalKey::Bundle, value: Some(signed.encode()) }
    }

    /// Sends the bundle in flight, again if it is time.
    pub(crate) fn publish(&mut self, now_ms: u64) -> Option<Effect> {
        let (signed, backoff) = self.pending.as_mut()?;
        let attempt = backoff.take(now_ms)?;
        let bytes = frame::wrap(attempt, &signed.encode());
        Some(Effect::Publish { topic: Topic::Bundles, bytes })
    }

    fn fitting(&self, facts: impl Iterator<Item = Fact>) -> Vec<Fact> {
        let mut room = MAX_BUNDLE_BYTES - BUNDLE_FRAMING_BYTES;
        let mut fitting = Vec::new();
        for fact in facts {
            if self.is_suppressed(&fact) {
                continue;
            }
            let bytes = borsh::to_vec(&fact).map_or(usize::MAX, |bytes| bytes.len());
            if bytes > room || fitting.len() >= MAX_BUNDLE_FACTS {
                break;
            }
            room -= bytes;
            fitting.push(fact);
        }
        fitting
    }

    /// Whether time must go on although there is nothing to state.
    fn should_tick(&mut self, ledger: &Ledger, now_ms: u64) -> bool {
        let state = ledger.state();
        self.clock_waits_since_ms =
            state.wants_bundle(self.me).then(|| self.clock_waits_since_ms.unwrap_or(now_ms));
        let clock_waits = self
            .clock_waits_since_ms
            .is_some_and(|since_ms| now_ms.saturating_sub(since_ms) >= CLOCK_PATIENCE_MS);
        clock_waits || tells_time(state, self.me, LedgerTime(now_ms))
    }
}

/// Whether a bundle of `operator` made at `time` says by its time alone what the ledger needs: that a phase's time is over, or
/// that time goes on. A member that is ahead of the ledger's time has said so.
pub(crate) fn tells_time(state: &State, operator: OperatorIndex, time: LedgerTime) -> bool {
    let Some(member) = state.member(operator) else { return false };
    let deadline_due =
        state.next_deadline().is_some_and(|deadline| time >= deadline && member.time < deadline);
    let open = !state.jobs.is_empty() || state.ceremony.is_some();
    let heartbeat = if open { HEARTBEAT_OPEN_MS } else { HEARTBEAT_IDLE_MS };
    let goes_on = member.time <= state.present && time.0.saturating_sub(member.time.0) >= heartbeat;
    deadline_due || goes_on
}

fn key_of(fact: &Fact) -> Option<(JobId, FactKind)> {
    match fact {
        Fact::Saw(sighting) => Some((sighting.job.id(), FactKind::Saw)),
        Fact::Got { job, .. } => Some((*job, FactKind::Got)),
        Fact::Commit { job, .. } => Some((*job, FactKind::Commit)),
        Fact::Reveal { job, .. } => Some((*job, FactKind::Reveal)),
        Fact::CeremonyKey { .. } | Fact::CeremonyLog { .. } => None,
    }
}
