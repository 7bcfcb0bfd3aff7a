//! What a gossiped message says: each statement with the place where a different one would
//! contradict it.

use std::fmt;

use alloy_primitives::{B256, keccak256};
use protocol::{
    bundle::SignedBundle,
    envelope::PartialEnvelope,
    fact::Fact,
    ids::{JobId, OperatorIndex},
    subject::Subject,
};

use crate::{effect::Topic, frame};

/// A place that one operator may fill once: two statements of one operator for the same place with
/// different digests contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A bundle, by its number.
    Bundle(u64),
    /// That a request is on chain.
    Saw(JobId),
    /// That a response is held; a second one is another place.
    Got(JobId, B256),
    /// The commitment to a judgement.
    Commit(JobId),
    /// The judgement.
    Reveal(JobId),
    /// The key of a ceremony round.
    CeremonyKey(u64),
    /// The dealer's log of a ceremony round.
    CeremonyLog(u64),
    /// A partial signature.
    Partial(Subject),
}

impl Place {
    /// What is said there, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bundle(_) => "bundle",
            Self::Saw(_) => "saw",
            Self::Got(..) => "got",
            Self::Commit(_) => "commit",
            Self::Reveal(_) => "reveal",
            Self::CeremonyKey(_) => "ceremony-key",
            Self::CeremonyLog(_) => "ceremony-log",
            Self::Partial(_) => "partial",
        }
    }
}

/// The place among those of its kind.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(number) | Self::CeremonyKey(number) | Self::CeremonyLog(number) => {
                number.fmt(f)
            }
            Self::Saw(job) | Self::Commit(job) | Self::Reveal(job) => job.fmt(f),
            Self::Got(job, response) => write!(f, "{job}/{response}"),
            Self::Partial(Subject::KeyPossession { hub, epoch }) => write!(f, "key/{hub}/{epoch}"),
            Self::Partial(Subject::Beacon { height }) => write!(f, "beacon/{height}"),
            Self::Partial(Subject::Attestation { hub, height }) => {
                write!(f, "attestation/{hub}/{height}")
            }
        }
    }
}

/// One thing that one operator said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who is said to have said it; whether it did, a signature shows.
    pub operator: OperatorIndex,
    /// About what.
    pub place: Place,
    /// What, hashed.
    pub digest: B256,
}

/// The statements of a gossiped message: a bundle and each of its facts, or a partial signature.
/// Responses are their provider's statements, and not here.
pub fn statements(topic: Topic, message: &[u8]) -> Vec<Statement> {
    let Some(message) = frame::unwrap(message) else { return Vec::new() };
    match topic {
        Topic::Bundles => SignedBundle::decode(message).map_or(Vec::new(), |it| of_bundle(&it)),
        Topic::Partials => PartialEnvelope::decode(message).map_or(Vec::new(), |envelope| {
            let PartialEnvelope { operator, subject, partial, signature: _ } = envelope;
            // One key gives one signature on one message.
            vec![Statement { operator, place: Place::Partial(subject), digest: keccak256(partial) }]
        }),
        Topic::Responses => Vec::new(),
    }
}

fn of_bundle(signed: &SignedBundle) -> Vec<Statement> {
    let bundle = &signed.bundle;
    let whole = keccak256(borsh::to_vec(bundle).unwrap_or_default());
    let facts = bundle.facts.iter().map(|fact| (place_of(fact), fact.hash()));
    [(Place::Bundle(bundle.number), whole)]
        .into_iter()
        .chain(facts)
        .map(|(place, digest)| Statement { operator: bundle.operator, place, digest })
        .collect()
}

fn place_of(fact: &Fact) -> Place {
    match fact {
        Fact::Saw(sighting) => Place::Saw(sighting.job.id()),
        Fact::Got { job, response, .. } => Place::Got(*job, *response),
        Fact::Commit { job, .. } => Place::Commit(*job),
        Fact::Reveal { job, .. } => Place::Reveal(*job),
        Fact::CeremonyKey { round, .. } => Place::CeremonyKey(*round),
        Fact::CeremonyLog { round, .. } => Place::CeremonyLog(*round),
    }
}

#[cfg(test)]
mod tests {
    use protocol::{
        bundle::Bundle,
        ecdsa::Signer,
        ids::{Height, HubIndex, LedgerTime},
    };

    use super::*;

    const JOB: JobId = JobId(B256::repeat_byte(7));

    fn said(number: u64, commitment: u8) -> Vec<Statement> {
        let facts = vec![Fact::Commit { job: JOB, commitment: B256::repeat_byte(commitment) }];
        let (operator, time) = (OperatorIndex(2), LedgerTime(5));
        let signer = Signer::from_secret(&[1; 32]).unwrap();
        let signed = Bundle { operator, number, time, facts }.sign(B256::ZERO, &signer);
        statements(Topic::Bundles, &frame::wrap(3, &signed.encode()))
    }

    #[test]
    fn bundle_says_itself_and_each_fact() {
        let places: Vec<Place> = said(9, 1).iter().map(|it| it.place).collect();
        assert_eq!(places, [Place::Bundle(9), Place::Commit(JOB)]);
        assert!(said(9, 1).iter().all(|it| it.operator == OperatorIndex(2)));
    }

    #[test]
    fn bundle_with_another_commitment_differs_in_the_same_places() {
        let (one, other) = (said(9, 1), said(9, 2));
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one.place, other.place);
            assert_ne!(one.digest, other.digest);
        }
        assert_eq!(one, said(9, 1));
    }

    #[test]
    fn partial_says_its_subject() {
        let subject = Subject::Attestation { height: Height(4), hub: HubIndex(1) };
        let operator = OperatorIndex(3);
        let (partial, signature) = ([8; 48], [9; 64]);
        let envelope = PartialEnvelope { operator, subject, partial, signature };
        let said = statements(Topic::Partials, &frame::wrap(0, &envelope.encode()));
        let digest = keccak256(partial);
        assert_eq!(said, [Statement { operator, place: Place::Partial(subject), digest }]);
        assert_eq!(said[0].place.to_string(), "attestation/1/4");
    }

    #[test]
    fn bytes_that_are_no_message_say_nothing() {
        for topic in [Topic::Bundles, Topic::Partials, Topic::Responses] {
            assert_eq!(statements(topic, &[0; 40]), []);
            assert_eq!(statements(topic, &[]), []);
        }
    }
}
