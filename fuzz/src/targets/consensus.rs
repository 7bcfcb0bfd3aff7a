use std::{fmt::Debug, sync::LazyLock};

use arc_malachitebft_core_consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types::{
    CommitCertificate, CommitSignature, NilOrVal, PolkaCertificate, PolkaSignature, Round,
    RoundCertificate, RoundCertificateType, RoundSignature, SignedProposal, SignedVote, Validity,
    VoteType,
};
use consensus::{
    Address, BlockId, ConsensusKey, Height, LedgerContext, LedgerValidators, Proposal,
    ProposalPart, PublicKey, Signature, Vote, decode_certificate, encode_certificate,
    verify_certificate, vote_digest,
    wire::{ROUND_MAX, Wire},
};

use crate::seed::{Seed, formed};

const LEDGER: [u8; 32] = [7; 32];

fn keys() -> Vec<ConsensusKey> {
    (1..=4u8).map(|seed| ConsensusKey::from_bytes(&[seed; 32]).expect("a key")).collect()
}

static VALIDATORS: LazyLock<LedgerValidators> = LazyLock::new(|| {
    let keys = keys();
    LedgerValidators::new(keys.iter().map(ConsensusKey::public_key)).expect("four different keys")
});

/// What is read has one spelling, no longer than the form allows.
fn again<T: Wire + Debug>(bytes: &[u8]) -> Option<T> {
    let value = T::from_wire(bytes).ok()?;
    assert_eq!(value.to_wire(), bytes, "a second spelling was read");
    assert!(bytes.len() <= T::BYTES_MAX);
    Some(value)
}

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    match form % 9 {
        0 => drop(again::<SignedConsensusMsg<LedgerContext>>(bytes)),
        1 => drop(again::<PolkaCertificate<LedgerContext>>(bytes)),
        2 => drop(again::<LivenessMsg<LedgerContext>>(bytes)),
        3 => {
            let Some(part) = again::<ProposalPart>(bytes) else { return };
            assert!(part.round.as_u32().is_some_and(|round| round <= ROUND_MAX));
            let _ = part.digest(&LEDGER, part.block_id(&LEDGER));
        }
        4 => drop(again::<ProposedValue<LedgerContext>>(bytes)),
        5 => certificate(bytes),
        6 => {
            let Ok(key) = PublicKey::from_bytes(bytes) else { return };
            assert_eq!(key.to_bytes(), bytes, "a second spelling was read");
            let _ = key.address();
        }
        7 => {
            let Ok(signature) = Signature::from_bytes(bytes) else { return };
            assert_eq!(signature.to_bytes(), bytes, "a second spelling was read");
            for key in keys() {
                let _ = key.public_key().verify(&LEDGER, &signature);
            }
        }
        _ => {
            let Ok(secret) = <[u8; 32]>::try_from(bytes) else { return };
            let Ok(key) = ConsensusKey::from_bytes(&secret) else { return };
            let signature = key.sign(&LEDGER).expect("a digest");
            assert!(key.public_key().verify(&LEDGER, &signature));
        }
    }
}

fn certificate(bytes: &[u8]) {
    let decoded = decode_certificate(bytes);
    if let Ok(certificate) = &decoded {
        assert_eq!(encode_certificate(certificate), bytes, "a second spelling was read");
    }
    if let Ok(header) = verify_certificate(&VALIDATORS, &LEDGER, bytes) {
        assert!(decoded.is_ok() && header.signers.len() >= VALIDATORS.quorum());
    }
}

fn signed_certificate(signers: usize) -> Vec<u8> {
    let (height, round, value_id) = (Height(5), Round::new(1), BlockId([8; 32]));
    let digest =
        vote_digest(&LEDGER, VoteType::Precommit, height.0, round, NilOrVal::Val(value_id));
    let vote = |key: &ConsensusKey| {
        let signature = key.sign(&digest).expect("a digest");
        CommitSignature::new(key.public_key().address(), signature)
    };
    let commit_signatures = keys().iter().take(signers).map(vote).collect();
    encode_certificate(&CommitCertificate { height, round, value_id, commit_signatures })
}

fn vote(block: NilOrVal<BlockId>) -> SignedVote<LedgerContext> {
    let vote = Vote {
        step: VoteType::Precommit,
        height: Height(5),
        round: Round::new(3),
        block,
        validator: Address([6; 20]),
    };
    SignedVote::new(vote, keys()[0].sign(&[4; 32]).expect("a digest"))
}

/// Messages as they are sent, by name.
pub(super) fn messages() -> [(&'static str, SignedConsensusMsg<LedgerContext>); 3] {
    let proposal = Proposal {
        height: Height(5),
        round: Round::new(2),
        block: BlockId([8; 32]),
        valid_round: Round::new(1),
        proposer: Address([6; 20]),
    };
    let signature = keys()[0].sign(&[4; 32]).expect("a digest");
    [
        ("vote", SignedConsensusMsg::Vote(vote(NilOrVal::Val(BlockId([8; 32]))))),
        ("vote-nil", SignedConsensusMsg::Vote(vote(NilOrVal::Nil))),
        ("proposal", SignedConsensusMsg::Proposal(SignedProposal::new(proposal, signature))),
    ]
}

pub(super) fn part() -> ProposalPart {
    ProposalPart {
        height: Height(5),
        round: Round::new(1),
        valid_round: Round::Nil,
        proposer: Address([6; 20]),
        body: vec![1, 2, 3].into(),
        signature: keys()[0].sign(&[4; 32]).expect("a digest"),
    }
}

pub(super) fn polka() -> PolkaCertificate<LedgerContext> {
    let signature = keys()[0].sign(&[4; 32]).expect("a digest");
    PolkaCertificate {
        height: Height(5),
        round: Round::new(1),
        value_id: BlockId([2; 32]),
        polka_signatures: vec![PolkaSignature::new(Address([6; 20]), signature); 2],
    }
}

pub(super) fn skip() -> LivenessMsg<LedgerContext> {
    let signature = keys()[0].sign(&[4; 32]).expect("a digest");
    let entry = RoundSignature::new(VoteType::Prevote, NilOrVal::Nil, Address([6; 20]), signature);
    LivenessMsg::SkipRoundCertificate(RoundCertificate {
        height: Height(5),
        round: Round::new(1),
        cert_type: RoundCertificateType::Skip,
        round_signatures: vec![entry; 2],
    })
}

pub(super) fn proposed() -> ProposedValue<LedgerContext> {
    ProposedValue {
        height: Height(5),
        round: Round::new(1),
        valid_round: Round::Nil,
        proposer: Address([6; 20]),
        value: BlockId([2; 32]),
        validity: Validity::Valid,
    }
}

pub(super) fn quorum_certificate() -> Vec<u8> {
    signed_certificate(3)
}

pub(super) fn seeds() -> Vec<Seed> {
    let key = &keys()[0];
    let mut seeds: Vec<Seed> =
        (messages().iter()).map(|(name, message)| formed(name, 0, message.to_wire())).collect();
    seeds.extend([
        formed("polka", 1, polka().to_wire()),
        formed("liveness-vote", 2, LivenessMsg::Vote(vote(NilOrVal::Nil)).to_wire()),
        formed("liveness-skip", 2, skip().to_wire()),
        formed("body", 3, part().to_wire()),
        formed("proposed", 4, proposed().to_wire()),
        formed("certificate", 5, quorum_certificate()),
        formed("certificate-of-two", 5, signed_certificate(2)),
        formed("public-key", 6, key.public_key().to_bytes()),
        formed("signature", 7, key.sign(&LEDGER).expect("a digest").to_bytes()),
        formed("secret-key", 8, [9; 32]),
    ]);
    seeds
}
