//! Partial signatures on what is due, and their combination.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use ed25519_dalek::SigningKey;
use protocol::{
    block::MAX_BLOCK_SIGNATURES,
    envelope::PartialEnvelope,
    ids::{HubIndex, OperatorIndex},
    ledger::Ledger,
    signatures::{Added, Combination, Combine, GroupPoint},
    subject::{GroupSignature, Subject},
};
use threshold::Share;

use crate::{
    effect::{Acceptance, Effect, Fault, Topic, Warning},
    frame::{self, Backoff},
};

/// Pauses between attempts to reach members that were away.
const REGOSSIP_MS: (u64, u64) = (1_000, 60_000);

/// Envelopes that are kept until the block that makes them due is decided here, of each member that
/// passed them on: they cannot be checked before, and false ones must not displace another's.
const MAX_EARLY_PER_NEIGHBOUR: usize = 64;

/// What is known of one subject.
struct Track {
    message: B256,
    combiner: Box<dyn Combine>,
    /// Members whose partial signature came, in time for the combination or not.
    from: BTreeSet<OperatorIndex>,
    mine: Option<(Vec<u8>, Backoff)>,
    signature: Option<GroupPoint>,
}

/// This member's share, and what is being signed.
pub(crate) struct Signing {
    me: OperatorIndex,
    network_key: SigningKey,
    share: Option<Share>,
    tracks: BTreeMap<Subject, Track>,
    /// By who passed it on, who it names, and on what.
    early: BTreeMap<(OperatorIndex, OperatorIndex, Subject), PartialEnvelope>,
    halted: BTreeSet<HubIndex>,
    /// How many partial signatures each member gave on what was due.
    counts: BTreeMap<OperatorIndex, u64>,
}

impl Signing {
    pub(crate) fn new(me: OperatorIndex, network_key: SigningKey, share: Option<Share>) -> Self {
        Self {
            me,
            network_key,
            share,
            tracks: BTreeMap::new(),
            early: BTreeMap::new(),
            halted: BTreeSet::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Signs nothing more for a hub.
    pub(crate) fn halt(&mut self, hub: HubIndex) {
        self.halted.insert(hub);
    }

    /// Whether nothing is signed for a hub.
    pub(crate) fn is_halted(&self, hub: HubIndex) -> bool {
        self.halted.contains(&hub)
    }

    pub(crate) fn has_share(&self) -> bool {
        self.share.is_some()
    }

    /// Partial signatures that a member gave on what was due.
    pub(crate) fn partials(&self, operator: OperatorIndex) -> u64 {
        self.counts.get(&operator).copied().unwrap_or(0)
    }

    pub(crate) fn set_share(&mut self, share: Share) {
        self.share = Some(share);
    }

    /// Follows what is due on the ledger, and signs what is new.
    pub(crate) fn sync(&mut self, ledger: &Ledger) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(group) = ledger.group() else { return effects };
        let due = &ledger.state().due;
        self.tracks.retain(|subject, _| due.contains_key(subject));
        self.early
            .retain(|(_, _, subject), _| is_ahead(ledger, *subject) || due.contains_key(subject));
        for (subject, message) in due {
            if self.tracks.contains_key(subject) {
                continue;
            }
            let combiner = ledger.signatures().combiner(&group.sharing, *message);
            let from = BTreeSet::new();
            let track = Track { message: *message, combiner, from, mine: None, signature: None };
            self.tracks.insert(*subject, track);
            let waiting: Vec<_> =
                self.early.keys().filter(|(_, _, early)| early == subject).copied().collect();
            for key in waiting {
                let Some(envelope) = self.early.remove(&key) else { continue };
                // An honest member passes on only what it could check.
                if let Acceptance::Reject(fault) = self.take(ledger, &envelope, &mut effects) {
                    effects.push(Effect::Blame { member: key.0, fault });
                }
            }
        }
        self.sign(ledger, &mut effects);
        effects
    }

    fn sign(&mut self, ledger: &Ledger, effects: &mut Vec<Effect>) {
        let Some(share) = &self.share else { return };
        let mut own = Vec::new();
        let halted = &self.halted;
        let unsigned = self.tracks.iter_mut().filter(|(subject, track)| {
            track.mine.is_none() && hub_of(**subject).is_none_or(|hub| !halted.contains(&hub))
        });
        for (subject, track) in unsigned {
            let partial = ledger.signatures().sign_partial(share, track.message);
            let envelope = PartialEnvelope::seal_by(
                ledger.signatures(),
                ledger.state().ledger_id,
                self.me,
                *subject,
                track.message,
                partial,
                &self.network_key,
            );
            let backoff = Backoff::new(REGOSSIP_MS.0, REGOSSIP_MS.1);
            track.mine = Some((envelope.encode(), backoff));
            own.push(envelope);
        }
        for envelope in own {
            self.take(ledger, &envelope, effects);
        }
    }

    /// Sends own partial signatures, again where it is time.
    pub(crate) fn publish(&mut self, now_ms: u64) -> Vec<Effect> {
        let halted = &self.halted;
        self.tracks
            .iter_mut()
            .filter(|(subject, _)| hub_of(**subject).is_none_or(|hub| !halted.contains(&hub)))
            .filter_map(|(_, track)| {
                let (bytes, backoff) = track.mine.as_mut()?;
                let attempt = backoff.take(now_ms)?;
                let bytes = frame::wrap(attempt, bytes);
                Some(Effect::Publish { topic: Topic::Partials, bytes })
            })
            .collect()
    }

    /// A partial signature from gossip.
    pub(crate) fn received(
        &mut self,
        ledger: &Ledger,
        from: OperatorIndex,
        envelope: PartialEnvelope,
        effects: &mut Vec<Effect>,
    ) -> Acceptance {
        if ledger.genesis().member(envelope.operator).is_none() {
            return Acceptance::Reject(Fault::NotMember);
        }
        if self.tracks.contains_key(&envelope.subject) {
            return self.take(ledger, &envelope, effects);
        }
        let held = self.early.keys().filter(|(neighbour, _, _)| *neighbour == from).count();
        if held < MAX_EARLY_PER_NEIGHBOUR && is_ahead(ledger, envelope.subject) {
            self.early.insert((from, envelope.operator, envelope.subject), envelope);
        }
        Acceptance::Ignore
    }

    fn take(
        &mut self,
        ledger: &Ledger,
        envelope: &PartialEnvelope,
        effects: &mut Vec<Effect>,
    ) -> Acceptance {
        let subject = envelope.subject;
        let (Some(track), Some(member)) =
            (self.tracks.get_mut(&subject), ledger.genesis().member(envelope.operator))
        else {
            return Acceptance::Ignore;
        };
        let (signatures, ledger_id) = (ledger.signatures(), ledger.state().ledger_id);
        if envelope.verify_by(signatures, ledger_id, track.message, &member.network_key).is_err() {
            return Acceptance::Reject(Fault::BadSignature);
        }
        let added = track.combiner.add(envelope.operator.0, &envelope.partial);
        if added == Added::Malformed {
            return Acceptance::Reject(Fault::Malformed);
        }
        if track.from.insert(envelope.operator) {
            let count = self.counts.entry(envelope.operator).or_default();
            *count = count.saturating_add(1);
        }
        if track.signature.is_some() || added == Added::Refused {
            return Acceptance::Ignore;
        }
        combine(subject, track, effects);
        Acceptance::Accept
    }

    /// The group's signature on something that the ledger does not hold it of yet.
    pub(crate) fn signature(&self, subject: Subject) -> Option<&GroupPoint> {
        self.tracks.get(&subject)?.signature.as_ref()
    }

    /// Whether a beacon is being signed.
    pub(crate) fn awaits_beacon(&self) -> bool {
        self.share.is_some()
            && self.tracks.iter().any(|(subject, track)| {
                matches!(subject, Subject::Beacon { .. }) && track.signature.is_none()
            })
    }

    /// Whether there is any for the next block.
    pub(crate) fn has_for_block(&self) -> bool {
        self.tracks.values().any(|track| track.signature.is_some())
    }

    /// Group signatures that the ledger does not hold yet, for the next block.
    pub(crate) fn for_block(&self) -> Vec<GroupSignature> {
        self.tracks
            .iter()
            .filter_map(|(subject, track)| {
                let signature = track.signature.as_ref()?.compressed;
                Some(GroupSignature { subject: *subject, signature })
            })
            .take(MAX_BLOCK_SIGNATURES)
            .collect()
    }
}

fn combine(subject: Subject, track: &mut Track, effects: &mut Vec<Effect>) {
    let Combination { signature, culprits } = track.combiner.combine();
    if !culprits.is_empty() {
        effects.push(Effect::Warn(Warning::BadPartials { subject, culprits }));
    }
    if let Some(point) = signature {
        let signature = point.eip2537.clone();
        track.signature = Some(point);
        effects.push(Effect::Signed { subject, signature });
    }
}

/// The hub that a subject is said to.
fn hub_of(subject: Subject) -> Option<HubIndex> {
    match subject {
        Subject::KeyPossession { hub, .. } | Subject::Attestation { hub, .. } => Some(hub),
        Subject::Beacon { .. } => None,
    }
}

/// Whether a subject may become due when this node has caught up.
fn is_ahead(ledger: &Ledger, subject: Subject) -> bool {
    match subject {
        Subject::Beacon { height } | Subject::Attestation { height, .. } => {
            height > ledger.state().height
        }
        Subject::KeyPossession { .. } => ledger.group().is_none(),
    }
}
