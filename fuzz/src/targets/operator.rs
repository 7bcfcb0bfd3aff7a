use std::sync::LazyLock;

use alloy_primitives::{B256, keccak256};
use borsh::BorshDeserialize;
use ed25519_dalek::SigningKey;
use operator::{Config, Effect, Operator, Restored, Topic, statements};
use protocol::{
    bundle::Bundle,
    bytes::block_id,
    ecdsa::Signer,
    envelope::PartialEnvelope,
    fact::Fact,
    ids::{LedgerTime, OperatorIndex},
    ledger::ceremony_of,
    subject::Subject,
};
use threshold::{EphemeralKey, dkg, seal, sign_partial};

use super::block::{STATES, every_fact, first_job};
use super::response::genuine;
use crate::committee::{self, Committee};
use crate::input::{Input, chunk};
use crate::memory;
use crate::seed::{Seed, plain};

/// The most messages of one input.
const MESSAGES_MAX: usize = 32;
/// How often a message is varied. What members send in numbers finds its bound in the first half (the
/// highest is 64 envelopes of a neighbour); in the second, the operator grows by no more than this.
const VARIATIONS: u8 = 160;
const GROWTH_BYTES_MAX: isize = 2 * 1024;
/// The most that one message may make the operator send, in bytes.
const SENT_BYTES_MAX: usize = 1024 * 1024;
const ROUND: u64 = 1;
const ENTROPY: [u8; 32] = [0x33; 32];

/// What is sent, and how far the fuzzer's bytes are dressed up as a member's.
mod kind {
    pub(super) const GOSSIP_BUNDLE: u8 = 0;
    pub(super) const GOSSIP_RESPONSE: u8 = 1;
    pub(super) const GOSSIP_PARTIAL: u8 = 2;
    pub(super) const DIRECT: u8 = 3;
    pub(super) const SIGNED_BUNDLE: u8 = 4;
    pub(super) const SEALED_PARTIAL: u8 = 5;
    pub(super) const SIGNED_RESPONSE: u8 = 6;
    pub(super) const SEALED_DEALING: u8 = 7;
    pub(super) const TIME: u8 = 8;
    pub(super) const DECIDED: u8 = 9;
    pub(super) const COUNT: u8 = 10;
}

/// Set in a kind: the message comes in many variations.
const VARIED: u8 = 0x80;

static NETWORKS: LazyLock<Vec<[u8; 32]>> = LazyLock::new(|| committee::genesis().2);

fn network_key(member: usize) -> SigningKey {
    SigningKey::from_bytes(&NETWORKS[member % 4])
}

/// The first member's operator on the ledger of the committee.
pub(super) fn config(committee: &Committee) -> Config {
    Config {
        signer: committee.signers[0].clone(),
        network_key: network_key(0),
        salt_secret: [0x22; 32].into(),
        entropy: ENTROPY.into(),
    }
}

pub(super) fn running(committee: &Committee) -> Operator {
    let restored = Restored { share: committee.shares.first().cloned(), ..Restored::default() };
    let operator = Operator::new(config(committee), committee.ledger.clone(), restored);
    let mut operator = operator.expect("the first member");
    operator.start(committee.now_ms);
    operator
}

struct Play<'a> {
    committee: &'a Committee,
    operator: Operator,
    now_ms: u64,
}

pub(super) fn run(input: &[u8]) {
    let mut input = Input(input);
    let committee = STATES.any(input.byte());
    let now_ms = committee.now_ms;
    let mut play = Play { committee, operator: running(committee), now_ms };
    for _ in 0..MESSAGES_MAX {
        if input.is_empty() {
            break;
        }
        let (kind, member) = (input.byte(), usize::from(input.byte() % 4));
        let bytes = input.chunk();
        play.message(kind & !VARIED, member, bytes, 0);
        if kind & VARIED != 0 {
            play.vary(kind & !VARIED, member, bytes);
        }
    }
}

impl Play<'_> {
    fn vary(&mut self, kind: u8, member: usize, bytes: &[u8]) {
        let mut half = 0;
        for variation in 1..VARIATIONS {
            if variation == VARIATIONS / 2 {
                half = memory::held();
            }
            self.message(kind, member, bytes, variation);
        }
        let growth = memory::held() - half;
        let received = !matches!(kind % kind::COUNT, kind::TIME | kind::DECIDED);
        assert!(!received || growth <= GROWTH_BYTES_MAX, "grew by {growth} bytes");
    }

    fn message(&mut self, kind: u8, member: usize, bytes: &[u8], variation: u8) {
        let from = OperatorIndex(member as u16);
        let framed = [&[variation, 0, 0, 0], bytes].concat();
        let gossip = |play: &mut Self, topic, message: &[u8]| {
            assert!(statements(topic, message).len() <= message.len());
            let (_, effects) = play.operator.gossiped(play.now_ms, from, topic, message);
            check(&effects);
        };
        match kind % kind::COUNT {
            kind::GOSSIP_BUNDLE => gossip(self, Topic::Bundles, &framed),
            kind::GOSSIP_RESPONSE => gossip(self, Topic::Responses, &framed),
            kind::GOSSIP_PARTIAL => gossip(self, Topic::Partials, &framed),
            kind::DIRECT => check(&self.operator.sent(self.now_ms, from, bytes)),
            kind::SIGNED_BUNDLE => {
                if let Some(message) = self.bundle(member, bytes, variation) {
                    gossip(self, Topic::Bundles, &message);
                }
            }
            kind::SEALED_PARTIAL => {
                if let Some(message) = self.partial(member, bytes, variation) {
                    gossip(self, Topic::Partials, &message);
                }
            }
            kind::SIGNED_RESPONSE => {
                if self.committee.ledger.state().jobs.is_empty() {
                    return;
                }
                let parts = vec![bytes.to_vec(), vec![variation]];
                let response = genuine(self.committee, &parts);
                if let Ok(effects) = self.operator.responded(self.now_ms, response) {
                    check(&effects);
                }
            }
            kind::SEALED_DEALING => {
                let message = self.dealing(member, bytes);
                check(&self.operator.sent(self.now_ms, from, &message));
            }
            kind::TIME => {
                let seconds = u16::from_le_bytes([Input(bytes).byte(), variation]);
                self.now_ms += 1_000 * u64::from(seconds);
                check(&self.operator.tick(self.now_ms));
            }
            kind::DECIDED => self.decided(),
            _ => {}
        }
    }

    /// The member's next bundle, or one a little ahead, with these facts.
    fn bundle(&self, member: usize, bytes: &[u8], variation: u8) -> Option<Vec<u8>> {
        let mut input = Input(bytes);
        let ahead = u64::from(input.byte() % 8);
        let facts = <Vec<Fact>>::try_from_slice(input.0).ok()?;
        let operator = OperatorIndex(member as u16);
        let state = self.operator.ledger().state();
        let number = state.member(operator)?.bundles + 1 + ahead;
        let time = LedgerTime(self.now_ms + u64::from(variation));
        let bundle = Bundle { operator, number, time, facts };
        let signed = bundle.sign(state.ledger_id, &self.committee.signers[member]);
        Some([&[variation, 0, 0, 0], signed.encode().as_slice()].concat())
    }

    /// A partial signature of a member on what is due, or on something else.
    fn partial(&self, member: usize, bytes: &[u8], variation: u8) -> Option<Vec<u8>> {
        let mut input = Input(bytes);
        let genuine = input.byte() % 2 == 0;
        let state = self.operator.ledger().state();
        let due = state.due.first_key_value();
        let (subject, message) = match due.filter(|_| genuine) {
            Some((subject, message)) => (*subject, *message),
            None => {
                let mut subject = Subject::deserialize(&mut input.0).ok()?;
                if let Subject::Beacon { height } | Subject::Attestation { height, .. } =
                    &mut subject
                {
                    height.0 = height.0.wrapping_add(u64::from(variation));
                }
                (subject, state.due.get(&subject).copied().unwrap_or(B256::ZERO))
            }
        };
        let share = self.committee.shares.get(member)?;
        let partial = match <[u8; 48]>::try_from(input.0) {
            Ok(partial) => partial,
            Err(_) if genuine => sign_partial(share, &message.0).signature.to_bytes(),
            Err(_) => [0; 48],
        };
        let key = network_key(member);
        let from = OperatorIndex(member as u16);
        let envelope =
            PartialEnvelope::seal(state.ledger_id, from, subject, message, partial, &key);
        Some([&[variation, 0, 0, 0], envelope.encode().as_slice()].concat())
    }

    /// A dealing sealed to the operator's key of the round, as a dealer would.
    fn dealing(&self, member: usize, bytes: &[u8]) -> Vec<u8> {
        let mut input = Input(bytes);
        let public = input.chunk().to_vec();
        let seed = keccak256([ENTROPY.as_slice(), &ROUND.to_be_bytes()].concat());
        let ephemeral = keccak256([seed.as_slice(), b"ephemeral"].concat());
        let receiver = EphemeralKey::from_seed(&ephemeral.0).public();
        let info = ceremony_of(self.committee.ledger.genesis(), ROUND).expect("a ceremony");
        let [dealer, player] = [member, 0].map(|at| dkg::public_identity(&NETWORKS[at]));
        let context = info.dealing_context(&dealer, &player);
        let private = input.0.get(..1024).unwrap_or(input.0);
        let sealed = seal(&receiver, &context, private, &[1; 32]).expect("short");
        borsh::to_vec(&(0u8, ROUND, public, sealed)).expect("memory")
    }

    /// Consensus decides what this operator would propose.
    fn decided(&mut self) {
        let block = self.operator.propose();
        self.operator.validate(&block).expect("one's own proposal is valid");
        let state = self.operator.ledger().state();
        let id = block_id(state.ledger_id, state.height.next(), &block.encode());
        check(&self.operator.decided(self.now_ms, id, &block));
    }
}

/// One message leads to no flood.
fn check(effects: &[Effect]) {
    let sent: usize = effects
        .iter()
        .map(|effect| match effect {
            Effect::Publish { bytes, .. } | Effect::Send { bytes, .. } => bytes.len(),
            _ => 0,
        })
        .sum();
    assert!(sent <= SENT_BYTES_MAX, "{sent} bytes sent for one message");
}

fn message(kind: u8, member: u8, bytes: &[u8]) -> Vec<u8> {
    [&[kind, member], chunk(bytes).as_slice()].concat()
}

fn played(name: &str, state: u8, messages: &[Vec<u8>]) -> Seed {
    plain(name, [&[state], messages.concat().as_slice()].concat())
}

/// A whole dealing of another member, its public part in a chunk.
fn dealing(member: usize) -> Vec<u8> {
    let info = ceremony_of(STATES.fresh().ledger.genesis(), ROUND).expect("a ceremony");
    let me = dkg::public_identity(&NETWORKS[0]);
    let started = dkg::Dealer::start(&info, &NETWORKS[member], None, &[9; 32]);
    let (_, messages) = started.expect("a dealer");
    let private = messages.private.iter().find(|(to, _)| *to == me).expect("a player");
    [chunk(&messages.public).as_slice(), &private.1].concat()
}

pub(super) fn seeds() -> Vec<Seed> {
    let answering = STATES.answering();
    let revealing = STATES.revealing();
    let [saw, got, commit, _, key, _] =
        <[Fact; 6]>::try_from(every_fact(answering)).expect("six kinds");
    let response = genuine(answering, &[b"answer".to_vec()]);
    let announced = |tag: u8, bytes: Vec<u8>| [&[tag], bytes.as_slice()].concat();
    let held = borsh::to_vec(&(response.job, response.hash(), response.signature)).expect("memory");
    let facts = |ahead: u8, facts: &[Fact]| {
        [&[ahead], borsh::to_vec(facts).expect("memory").as_slice()].concat()
    };
    let raw = answering.bundle(1, vec![saw.clone(), got.clone()]).encode();
    let far = borsh::to_vec(&Subject::Beacon { height: protocol::ids::Height(900) });
    let far = [&[1u8], far.expect("memory").as_slice()].concat();
    let job = first_job(revealing);
    let reveal = revealing.reveal(job, protocol::outcome::Verdict::Valid);
    let reveal = Fact::Reveal { job, reveal };
    let outsider = Signer::from_secret(&[0x77; 32]).expect("a key");
    let foreign =
        Bundle { operator: OperatorIndex(1), number: 1, time: LedgerTime(1), facts: vec![] };
    let foreign = foreign.sign(answering.ledger.state().ledger_id, &outsider).encode();
    vec![
        played(
            "bundle",
            2,
            &[message(kind::GOSSIP_BUNDLE, 1, &raw), message(kind::DECIDED, 0, &[])],
        ),
        played("bundle-of-another", 2, &[message(kind::GOSSIP_BUNDLE, 1, &foreign)]),
        played(
            "responses",
            2,
            &[
                message(kind::GOSSIP_RESPONSE, 1, &announced(1, held)),
                message(kind::GOSSIP_RESPONSE, 1, &announced(0, response.encode())),
                message(kind::SIGNED_RESPONSE | VARIED, 1, b"another"),
                message(kind::TIME, 0, &[9]),
            ],
        ),
        played(
            "bundles-signed",
            2,
            &[
                message(kind::SIGNED_BUNDLE, 1, &facts(0, &[saw, got.clone()])),
                message(kind::SIGNED_BUNDLE, 2, &facts(0, &[got, commit])),
                message(kind::SIGNED_BUNDLE | VARIED, 3, &facts(1, &[])),
                message(kind::DECIDED, 0, &[]),
                message(kind::DECIDED, 0, &[]),
            ],
        ),
        played(
            "reveals",
            3,
            &[
                message(kind::SIGNED_BUNDLE, 1, &facts(0, std::slice::from_ref(&reveal))),
                message(kind::SIGNED_BUNDLE, 2, &facts(0, std::slice::from_ref(&reveal))),
                message(kind::SIGNED_BUNDLE, 3, &facts(0, &[reveal])),
                message(kind::DECIDED, 0, &[]),
                message(kind::TIME, 0, &[9]),
                message(kind::DECIDED, 0, &[]),
            ],
        ),
        played(
            "partials",
            1,
            &[
                message(kind::SEALED_PARTIAL, 1, &[0]),
                message(kind::SEALED_PARTIAL, 2, &[0]),
                message(kind::SEALED_PARTIAL | VARIED, 3, &far),
                message(kind::DECIDED, 0, &[]),
            ],
        ),
        played(
            "ceremony",
            0,
            &[
                message(kind::SIGNED_BUNDLE, 1, &facts(0, &[key])),
                message(kind::SEALED_DEALING, 1, &dealing(1)),
                message(kind::SEALED_DEALING, 2, &dealing(2)),
                message(kind::DECIDED, 0, &[]),
                message(kind::TIME, 0, &[60]),
            ],
        ),
    ]
}
