//! Who may take part, and how large everything gets.

use crate::harness::{LEDGER, generate, keys, members, run, signature};
use commonware_cryptography::{Hasher, Sha256};
use std::collections::BTreeMap;
use threshold::{
    EphemeralKey, SEAL_OVERHEAD_BYTES, SEAL_PLAINTEXT_BYTES_MAX, SealError,
    dkg::{Ceremony, CeremonyError, Dealer, IdentityError, Output, Player, StartError},
    open, seal, trusted,
};

#[test]
fn new_wrong_participants_are_refused() {
    let all = keys(&members(8, 1));
    let (old, _) = trusted::deal_output([1; 32], &all[..7]);
    let make = |dealers: &[[u8; 32]], players: &[[u8; 32]], previous| {
        Ceremony::new(&LEDGER, 0, dealers, players, previous).map(|_| ())
    };
    assert_eq!(make(&all[..4], &all[..3], None), Err(CeremonyError::Players(3)));
    assert_eq!(make(&all[..4], &vec![all[0]; 129], None), Err(CeremonyError::Players(129)));
    assert_eq!(make(&all[..3], &all[..4], None), Err(CeremonyError::Dealers { got: 3, min: 4 }));
    assert_eq!(
        make(&all[..4], &all[..4], Some(&old)),
        Err(CeremonyError::Dealers { got: 4, min: 5 })
    );
    assert_eq!(make(&all[1..8], &all[..4], Some(&old)), Err(CeremonyError::DealerWithoutShare));
    let twice = [all[0], all[1], all[2], all[0]];
    assert_eq!(make(&twice, &all[..4], None), Err(CeremonyError::Duplicate));
    assert_eq!(make(&all[..4], &twice, None), Err(CeremonyError::Duplicate));
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    assert_eq!(
        make(&[all[0], all[1], all[2], off_curve], &all[..4], None),
        Err(CeremonyError::Identity(IdentityError(off_curve)))
    );
    assert_eq!(make(&all[..5], &all[..4], Some(&old)), Ok(()));
}

#[test]
fn new_order_of_participants_does_not_matter() {
    let all = keys(&members(7, 1));
    let reversed: Vec<_> = all.iter().rev().copied().collect();
    let one = Ceremony::new(&LEDGER, 0, &all, &all, None).expect("ceremony");
    let two = Ceremony::new(&LEDGER, 0, &reversed, &reversed, None).expect("ceremony");
    assert_eq!(one.id(), two.id());
    assert_eq!(two.players(), all);
    assert_eq!(two.player_index(&all[5]), Some(5));
    assert_eq!(two.player_index(&[0; 32]), None);
}

#[test]
fn start_and_join_strangers_are_refused() {
    let some = members(5, 1);
    let all = keys(&some);
    let ceremony = Ceremony::new(&LEDGER, 0, &all[..4], &all[..4], None).expect("ceremony");
    assert_eq!(
        Dealer::start(&ceremony, &some[4].secret, None, &[1; 32]).map(|_| ()),
        Err(StartError::NotDealer)
    );
    assert!(Player::new(&ceremony, &some[4].secret).is_none());
}

#[test]
fn encodings_sizes_by_committee() {
    for (n, sharing, public, log, log_max, output) in [
        (4, 294, 353, 776, 884, 589),
        (7, 486, 545, 1259, 1463, 973),
        (31, 2022, 2081, 5123, 6095, 4045),
    ] {
        let some = members(n, 1);
        let all = keys(&some);
        let ceremony = Ceremony::new(&LEDGER, 0, &all, &all, None).expect("ceremony");
        let finished = run(&ceremony, &some[..1], &BTreeMap::new(), &some, &BTreeMap::new());
        let (dealt, _) = trusted::deal_output([1; 32], &all);
        let (_, messages) = Dealer::start(&ceremony, &some[0].secret, None, &[1; 32]).expect("ok");
        assert_eq!(dealt.sharing().to_bytes().len(), sharing);
        assert_eq!(messages.public.len(), public);
        assert!(messages.private.iter().all(|(_, private)| private.len() == 32));
        assert_eq!(finished.logs[0].len(), log);
        assert_eq!(ceremony.log_bytes_max(), log_max);
        // A dealt output lists every member as dealer; a ceremony's only the qualified ones.
        assert_eq!(dealt.to_bytes().len(), output);
        assert!(output <= Output::BYTES_MAX);
    }
}

/// Only a commit that says so may change these: they are what ledgers hold.
#[test]
fn encodings_of_fixed_seeds_are_pinned() {
    let some = members(4, 1);
    let all = keys(&some);
    let ceremony = Ceremony::new(&LEDGER, 7, &all, &all, None).expect("ceremony");
    let finished = run(&ceremony, &some, &BTreeMap::new(), &some, &BTreeMap::new());
    let (output, shares) = finished.succeed();
    let digest = |parts: &[&[u8]]| hex::encode(Sha256::hash(parts));
    let logs: Vec<_> = finished.logs.iter().map(Vec::as_slice).collect();
    assert_eq!(
        [
            hex::encode(ceremony.id()),
            digest(&logs),
            digest(&[&output.to_bytes()]),
            hex::encode(output.group_key().to_bytes()),
            hex::encode(signature(&output, &shares).to_bytes()),
        ],
        [
            "3643c7eaa2a7e588282d65133a46b273d6189d39712194447f7361b8f0220f6f",
            "a20c0ac1289074ea1dd1ece4cf8aa49981d78d4708854c3184b21edd7fdb69c7",
            "2f46e2d76ca2fe9e62a7f73e106da977b27daacb019bf2c4419e4d704222d92b",
            concat!(
                "86ee4509ba8fa97bd03607d0078dbfd88f7c98ebcb16e3838b4b11ce406ece07d8af6505251404f88238ee2f7a782a6c",
                "0fcdcb3a1a2b9139d178367ce34943e660650cb61c6db2e6b0cca1a30ead8fc9032c75a2790499179a7a63d9250862ba"
            ),
            "83148ba8e1845ce8cfae7303d0cc2a71e7779f140b3b439a0ef1df36e37239ce14fe2283b399ec27c954866bada1b5b7",
        ]
    );
}

#[test]
fn seal_opens_only_with_its_key_and_context() {
    let key = EphemeralKey::from_seed(&[1; 32]);
    let sealed = seal(&key.public(), b"here", b"thirty-two bytes", &[2; 32]).expect("seals");
    assert_eq!(sealed.len(), 16 + SEAL_OVERHEAD_BYTES);
    assert_eq!(open(&key, b"here", &sealed).expect("opens").as_slice(), b"thirty-two bytes");
    assert_eq!(open(&key, b"there", &sealed), Err(SealError::Open));
    assert_eq!(open(&EphemeralKey::from_seed(&[3; 32]), b"here", &sealed), Err(SealError::Open));
    for position in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        assert_eq!(open(&key, b"here", &changed), Err(SealError::Open), "byte {position}");
    }
    for length in 0..SEAL_OVERHEAD_BYTES {
        assert_eq!(open(&key, b"here", &sealed[..length]), Err(SealError::Length(length)));
    }
    assert_eq!(open(&key, b"here", &sealed[..sealed.len() - 1]), Err(SealError::Open));
}

#[test]
fn seal_bounds_and_unusable_recipient_are_refused() {
    let key = EphemeralKey::from_seed(&[1; 32]);
    let longest = vec![7; SEAL_PLAINTEXT_BYTES_MAX];
    let sealed = seal(&key.public(), b"", &longest, &[2; 32]).expect("seals");
    assert_eq!(open(&key, b"", &sealed).expect("opens").as_slice(), longest);
    let longer = vec![7; SEAL_PLAINTEXT_BYTES_MAX + 1];
    assert_eq!(seal(&key.public(), b"", &longer, &[2; 32]), Err(SealError::Length(longer.len())));
    let mut too_long = sealed;
    too_long.push(0);
    assert_eq!(open(&key, b"", &too_long), Err(SealError::Length(too_long.len())));
    assert_eq!(seal(&[0; 32], b"", b"text", &[2; 32]), Err(SealError::Recipient));
}

#[test]
fn seal_seed_used_again_gives_unrelated_messages() {
    let key = EphemeralKey::from_seed(&[1; 32]);
    let one = seal(&key.public(), b"a", b"same", &[2; 32]).expect("seals");
    let two = seal(&key.public(), b"b", b"same", &[2; 32]).expect("seals");
    assert_ne!(one[..32], two[..32]);
    assert_eq!(seal(&key.public(), b"a", b"same", &[2; 32]), Ok(one));
}

#[test]
fn ephemeral_key_debug_shows_no_secret() {
    let key = EphemeralKey::from_seed(&[1; 32]);
    assert!(format!("{key:?}").ends_with("secret: redacted }"));
}

#[test]
fn fits_other_players_or_key_is_false() {
    let some = members(8, 1);
    let all = keys(&some);
    let (output, _) = generate(&some[..4]);
    let (foreign, _) = trusted::deal_output([1; 32], &all[..4]);
    let ceremony = |players: &[[u8; 32]], previous: &Output| {
        Ceremony::new(&LEDGER, 1, &all[..4], players, Some(previous)).expect("ceremony")
    };
    assert!(output.fits(&ceremony(&all[..4], &output)));
    assert!(!output.fits(&ceremony(&all[..5], &output)));
    assert!(!output.fits(&ceremony(&all[..4], &foreign)));
}
