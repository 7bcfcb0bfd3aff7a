//! Commit certificates without an engine.

use arc_malachitebft_core_types::{CommitCertificate, CommitSignature, NilOrVal, Round, VoteType};
use assay_consensus::{
    BlockId, CertificateError, ConsensusKey, Height, LedgerContext, LedgerValidators, PublicKey,
    ValidatorSetError, encode_certificate, keys::KeyError, verify_certificate, vote_digest,
};

const LEDGER: [u8; 32] = [0x11; 32];
const BLOCK: BlockId = BlockId([0x22; 32]);

fn keys(count: u8) -> Vec<ConsensusKey> {
    (1..=count).map(|seed| ConsensusKey::from_bytes(&[seed; 32]).unwrap()).collect()
}

fn set(keys: &[ConsensusKey]) -> LedgerValidators {
    LedgerValidators::new(keys.iter().map(ConsensusKey::public_key)).unwrap()
}

fn certificate(
    keys: &[ConsensusKey],
    ledger: &[u8; 32],
    step: VoteType,
) -> CommitCertificate<LedgerContext> {
    let digest = vote_digest(ledger, step, 9, Round::new(1), NilOrVal::Val(BLOCK));
    CommitCertificate {
        height: Height(9),
        round: Round::new(1),
        value_id: BLOCK,
        commit_signatures: keys
            .iter()
            .map(|key| CommitSignature::new(key.public_key().address(), key.sign(&digest).unwrap()))
            .collect(),
    }
}

#[test]
fn quorum_of_precommits_is_accepted() {
    for count in 1..=10 {
        let keys = keys(count);
        let set = set(&keys);
        let quorum = set.quorum();
        assert_eq!(quorum, usize::from(count - (count - 1) / 3));
        let bytes = encode_certificate(&certificate(&keys[..quorum], &LEDGER, VoteType::Precommit));
        let header = verify_certificate(&set, &LEDGER, &bytes).unwrap();
        assert_eq!((header.height, header.round, header.block_id), (9, 1, BLOCK.0));
        assert_eq!(header.signers.len(), quorum);
        let fewer =
            encode_certificate(&certificate(&keys[..quorum - 1], &LEDGER, VoteType::Precommit));
        assert_eq!(
            verify_certificate(&set, &LEDGER, &fewer),
            Err(CertificateError::Quorum { signers: quorum - 1, quorum })
        );
    }
}

#[test]
fn votes_of_another_kind_ledger_or_key_are_refused() {
    let keys = keys(4);
    let set = set(&keys);
    let refused = |certificate: &CommitCertificate<LedgerContext>| {
        verify_certificate(&set, &LEDGER, &encode_certificate(certificate)).unwrap_err()
    };
    let prevotes = refused(&certificate(&keys, &LEDGER, VoteType::Prevote));
    assert!(matches!(prevotes, CertificateError::Signature(_)));
    let elsewhere = refused(&certificate(&keys, &[0x12; 32], VoteType::Precommit));
    assert!(matches!(elsewhere, CertificateError::Signature(_)));
    let stranger = ConsensusKey::from_bytes(&[77; 32]).unwrap();
    let strangers = [keys.as_slice(), std::slice::from_ref(&stranger)].concat();
    assert_eq!(
        refused(&certificate(&strangers, &LEDGER, VoteType::Precommit)),
        CertificateError::NotValidator(stranger.public_key().address())
    );
    let mut other = certificate(&keys, &LEDGER, VoteType::Precommit);
    other.value_id = BlockId([0x23; 32]);
    assert!(matches!(refused(&other), CertificateError::Signature(_)));
}

#[test]
fn repeated_or_unordered_signatures_are_refused() {
    let keys = keys(4);
    let set = set(&keys);
    let bytes = encode_certificate(&certificate(&keys[..3], &LEDGER, VoteType::Precommit));
    let (header, entries) = bytes.split_at(48);
    let entries: Vec<&[u8]> = entries.chunks(84).collect();
    for order in [[0, 0, 1], [1, 0, 2], [0, 2, 1]] {
        let mut changed = header.to_vec();
        for index in order {
            changed.extend_from_slice(entries[index]);
        }
        let refused = verify_certificate(&set, &LEDGER, &changed);
        assert!(matches!(refused, Err(CertificateError::Order(_))), "{order:?}");
    }
}

#[test]
fn malformed_certificates_are_refused() {
    let keys = keys(4);
    let set = set(&keys);
    let bytes = encode_certificate(&certificate(&keys, &LEDGER, VoteType::Precommit));
    for length in 0..bytes.len() {
        assert!(verify_certificate(&set, &LEDGER, &bytes[..length]).is_err());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(
        verify_certificate(&set, &LEDGER, &longer),
        Err(CertificateError::Malformed(_))
    ));
    assert!(verify_certificate(&set, &LEDGER, &vec![0; 1 << 20]).is_err());
    for position in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[position] ^= 1;
        assert!(verify_certificate(&set, &LEDGER, &flipped).is_err(), "byte {position}");
    }
}

#[test]
fn validator_sets_are_checked_and_proposers_take_turns() {
    assert_eq!(LedgerValidators::new([]), Err(ValidatorSetError::Count(0)));
    let keys = keys(4);
    let twice = keys.iter().chain(&keys[..1]).map(ConsensusKey::public_key);
    assert_eq!(
        LedgerValidators::new(twice),
        Err(ValidatorSetError::Twice(keys[0].public_key().address()))
    );
    let set = set(&keys);
    for height in 0..8 {
        for round in 0..8 {
            let proposer = set.proposer(Height(height), Round::new(round));
            let index = (height as usize + round as usize) % 4;
            assert_eq!(
                arc_malachitebft_core_types::Validator::address(proposer),
                &keys[index].public_key().address()
            );
        }
    }
    assert!(
        *set.proposer(Height(u64::MAX), Round::new(u32::MAX))
            == *set.proposer(Height(3), Round::new(3))
    );
}

#[test]
fn public_key_has_one_spelling() {
    let bytes = ConsensusKey::from_bytes(&[7; 32]).unwrap().public_key().to_bytes();
    assert_eq!(PublicKey::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    for tag in (0..=u8::MAX).filter(|tag| !matches!(tag, 2 | 3)) {
        let mut other = bytes;
        other[0] = tag;
        assert_eq!(PublicKey::from_bytes(&other), Err(KeyError::PublicKey), "{tag}");
    }
}
