use std::sync::OnceLock;

use alloy_primitives::B256;
use ed25519_dalek::SigningKey;
use protocol::{
    envelope::{MAX_ENVELOPE_BYTES, PartialEnvelope},
    ids::{Height, HubIndex, OperatorIndex},
    subject::Subject,
};
use threshold::{CombineError, Combiner, PartialSignature, Signature, sign_partial, verify};

use super::block::STATES;
use crate::committee;
use crate::input::Input;
use crate::seed::{Seed, formed, plain};

const MESSAGE: B256 = B256::repeat_byte(0x17);

pub(super) fn run(input: &[u8]) {
    let mut input = Input(input);
    if input.byte() % 2 == 1 {
        combine(input);
        return;
    }
    let Ok(envelope) = PartialEnvelope::decode(input.0) else { return };
    assert_eq!(envelope.encode(), input.0, "a second spelling was read");
    assert!(input.0.len() <= MAX_ENVELOPE_BYTES);
    let ledger = &STATES.key().ledger;
    let id = ledger.state().ledger_id;
    let senders = ledger
        .genesis()
        .members
        .iter()
        .filter(|member| envelope.verify(id, MESSAGE, &member.network_key).is_ok());
    assert!(senders.count() <= 1, "two members sent one envelope");
}

/// Members' signatures in any order, some of them the fuzzer's: what is combined verifies.
fn combine(mut input: Input<'_>) {
    let committee = STATES.key();
    let group = committee.ledger.group().expect("a group");
    let mut combiner = Combiner::new(group.sharing.clone(), MESSAGE.0);
    while !input.is_empty() {
        let choice = input.byte();
        let index = u16::from(choice >> 4);
        let own = &partials()[usize::from(choice) % 4];
        let signature = match choice % 8 {
            4.. => Signature::from_bytes(input.chunk()).unwrap_or(own.signature),
            _ => own.signature,
        };
        let _ = combiner.add(&PartialSignature { index, signature });
    }
    if !combiner.is_ready() {
        return;
    }
    match combiner.combine() {
        Ok(combined) => {
            verify(&group.key, &MESSAGE.0, &combined.signature).expect("the group's signature");
        }
        Err(CombineError::NotEnoughGood { culprits, .. }) => assert!(!culprits.is_empty()),
        Err(other) => panic!("{other}"),
    }
}

fn partials() -> &'static [PartialSignature] {
    static PARTIALS: OnceLock<Vec<PartialSignature>> = OnceLock::new();
    PARTIALS.get_or_init(|| {
        let shares = &STATES.key().shares;
        shares.iter().map(|share| sign_partial(share, &MESSAGE.0)).collect()
    })
}

pub(super) fn seeds() -> Vec<Seed> {
    let ledger = STATES.key().ledger.state().ledger_id;
    let (_, _, networks) = committee::genesis();
    let envelope = |member: u16, subject| {
        let key = SigningKey::from_bytes(&networks[usize::from(member)]);
        let partial = partials()[usize::from(member)].signature.to_bytes();
        let operator = OperatorIndex(member);
        PartialEnvelope::seal(ledger, operator, subject, MESSAGE, partial, &key).encode()
    };
    let (height, hub) = (Height(3), HubIndex(0));
    let epoch = protocol::ids::Epoch(1);
    vec![
        formed("beacon", 0, envelope(0, Subject::Beacon { height })),
        formed("attestation", 0, envelope(1, Subject::Attestation { height, hub })),
        formed("possession", 0, envelope(2, Subject::KeyPossession { hub, epoch })),
        plain("combined", [1, 0x00, 0x11, 0x22]),
        plain("combined-with-a-bad-one", [1, 0x00, 0x12, 0x22, 0x33]),
    ]
}
