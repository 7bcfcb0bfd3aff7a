//! Combining: any q good partials give the one signature; bad ones are named exactly.

use proptest::{prelude::*, test_runner::FileFailurePersistence};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};
use threshold::{
    AddError, CombineError, Combiner, PartialSignature, Share, Sharing, Signature, VerifyError,
    combine, quorum, sign_partial, trusted, verify, verify_partial,
};

const MESSAGE: [u8; 32] = [0x42; 32];

struct Group {
    sharing: Sharing,
    shares: Vec<Share>,
    partials: Vec<PartialSignature>,
    signature: Signature,
}

/// One dealt group for each size, made once.
fn group(n: u16) -> &'static Group {
    static GROUPS: OnceLock<BTreeMap<u16, Group>> = OnceLock::new();
    let groups = GROUPS.get_or_init(|| {
        [4, 5, 6, 7, 10]
            .map(|n| {
                let (sharing, shares) = trusted::deal([n as u8; 32], n);
                let partials: Vec<_> =
                    shares.iter().map(|share| sign_partial(share, &MESSAGE)).collect();
                let signature = combine(&sharing, &MESSAGE, &partials).expect("good").signature;
                (n, Group { sharing, shares, partials, signature })
            })
            .into()
    });
    &groups[&n]
}

/// A well-formed point that is not this member's signature of the message.
fn bad(n: u16, index: u16) -> PartialSignature {
    let other = sign_partial(&group(n).shares[usize::from(index)], &[index as u8; 32]);
    PartialSignature { index, signature: other.signature }
}

#[test]
fn combine_every_quorum_of_seven_same_signature() {
    let group = group(7);
    for set in 0_u32..1 << 7 {
        let chosen: Vec<_> =
            group.partials.iter().filter(|p| set & (1 << p.index) != 0).copied().collect();
        let result = combine(&group.sharing, &MESSAGE, &chosen);
        if chosen.len() < quorum(7) {
            let got = chosen.len();
            assert_eq!(result, Err(CombineError::NotEnough { got, required: 5 }));
        } else {
            assert_eq!(result.expect("enough").signature, group.signature);
        }
    }
}

#[test]
fn combine_duplicates_count_once() {
    let group = group(4);
    let twice = [group.partials[0], group.partials[0], group.partials[1]];
    assert_eq!(
        combine(&group.sharing, &MESSAGE, &twice),
        Err(CombineError::NotEnough { got: 2, required: 3 })
    );
}

#[test]
fn combine_index_with_good_and_bad_partial_is_named_and_used() {
    let group = group(4);
    let partials = [bad(4, 0), group.partials[0], group.partials[1], group.partials[2]];
    let combined = combine(&group.sharing, &MESSAGE, &partials).expect("enough good");
    assert_eq!((combined.signature, combined.culprits), (group.signature, vec![0]));
}

#[test]
fn combine_too_many_partials_refused_unread() {
    let group = group(4);
    let many = vec![group.partials[0]; threshold::PARTIALS_MAX + 1];
    assert!(matches!(
        combine(&group.sharing, &MESSAGE, &many),
        Err(CombineError::TooMany { got: 257 })
    ));
}

#[test]
fn verify_partial_other_index_or_message_is_refused() {
    let group = group(5);
    let partial = &group.partials[2];
    assert_eq!(verify_partial(&group.sharing, 2, &MESSAGE, partial), Ok(()));
    assert_eq!(
        verify_partial(&group.sharing, 1, &MESSAGE, partial),
        Err(VerifyError::Index { expected: 1, got: 2 })
    );
    assert_eq!(verify_partial(&group.sharing, 2, &[0; 32], partial), Err(VerifyError::Invalid));
    let moved = PartialSignature { index: 1, ..*partial };
    assert_eq!(verify_partial(&group.sharing, 1, &MESSAGE, &moved), Err(VerifyError::Invalid));
    let beyond = PartialSignature { index: 5, ..*partial };
    assert_eq!(
        verify_partial(&group.sharing, 5, &MESSAGE, &beyond),
        Err(VerifyError::OutOfRange { index: 5, participants: 5 })
    );
}

#[test]
fn verify_partial_signature_is_not_the_groups() {
    let group = group(4);
    let partial = &group.partials[0].signature;
    assert_eq!(verify(group.sharing.group_key(), &MESSAGE, partial), Err(VerifyError::Invalid));
}

#[test]
fn combiner_bad_partial_bars_member_and_later_ones_complete() {
    let group = group(4);
    let mut combiner = Combiner::new(group.sharing.clone(), MESSAGE);
    combiner.add(&group.partials[0]).expect("first");
    combiner.add(&group.partials[0]).expect("the same again changes nothing");
    assert_eq!(combiner.add(&bad(4, 0)), Err(AddError::Conflict(0)));
    combiner.add(&bad(4, 3)).expect("not yet known to be bad");
    assert!(!combiner.is_ready());
    combiner.add(&group.partials[1]).expect("third");
    assert!(combiner.is_ready());
    assert_eq!(
        combiner.combine(),
        Err(CombineError::NotEnoughGood { good: 2, required: 3, culprits: vec![3] })
    );
    assert_eq!(combiner.add(&group.partials[3]), Err(AddError::Barred(3)));
    assert_eq!(
        combiner.add(&PartialSignature { index: 4, ..group.partials[0] }),
        Err(AddError::OutOfRange { index: 4, participants: 4 })
    );
    assert_eq!((combiner.len(), combiner.barred().collect::<Vec<_>>()), (2, vec![3]));
    combiner.add(&group.partials[2]).expect("last");
    assert_eq!(combiner.combine().expect("three good").signature, group.signature);
}

#[test]
fn share_exported_secret_rebuilds_the_share() {
    let group = group(4);
    for share in &group.shares {
        let again = Share::from_secret_bytes(share.index(), &share.secret_bytes()).expect("share");
        assert!(again.belongs_to(&group.sharing));
        assert_eq!(sign_partial(&again, &MESSAGE), group.partials[usize::from(share.index())]);
        let moved = Share::from_secret_bytes((share.index() + 1) % 4, &share.secret_bytes());
        assert!(!moved.expect("share").belongs_to(&group.sharing));
        let beyond = Share::from_secret_bytes(4, &share.secret_bytes());
        assert!(!beyond.expect("share").belongs_to(&group.sharing));
    }
    assert!(Share::from_secret_bytes(0, &[0; 32]).is_err());
    assert!(Share::from_secret_bytes(0, &[0xff; 32]).is_err());
}

#[test]
fn share_debug_shows_no_secret() {
    let share = &group(4).shares[1];
    assert_eq!(format!("{share:?}"), "Share { index: 1, secret: redacted }");
}

#[test]
fn share_public_keys_sign_as_group_members() {
    let group = group(4);
    for (share, partial) in group.shares.iter().zip(&group.partials) {
        assert_eq!(verify(&share.public(), &MESSAGE, &partial.signature), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/combine.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    /// Whatever members are present, bad or out of range: if the first q don't combine, exactly
    /// the bad ones are named; and a signature comes out exactly when q good ones are present.
    #[test]
    fn combine_bad_partials_are_named_exactly(
        n in prop::sample::select(vec![4_u16, 5, 6, 7, 10]),
        present in any::<u16>(),
        spoiled in any::<u16>(),
        outside in prop::option::of(any::<u16>()),
        rotation in any::<usize>(),
    ) {
        let group = group(n);
        let is_set = |set: u16, index: u16| set & (1 << index) != 0;
        let mut partials = Vec::new();
        let mut culprits = BTreeSet::new();
        for index in (0..n).filter(|index| is_set(present, *index)) {
            if is_set(spoiled, index) {
                partials.push(bad(n, index));
                culprits.insert(index);
            } else {
                partials.push(group.partials[usize::from(index)]);
            }
        }
        let distinct = partials.len();
        if let Some(index) = outside.filter(|index| *index >= n) {
            partials.push(PartialSignature { index, ..group.partials[0] });
            culprits.insert(index);
        }
        let shift = if partials.is_empty() { 0 } else { rotation % partials.len() };
        partials.rotate_left(shift);

        let required = quorum(usize::from(n));
        let members = culprits.iter().filter(|index| **index < n).count();
        let good = distinct - members;
        let culprits: Vec<_> = culprits.into_iter().collect();
        match combine(&group.sharing, &MESSAGE, &partials) {
            Ok(combined) => {
                prop_assert!(good >= required);
                prop_assert_eq!(combined.signature, group.signature);
                if !combined.culprits.is_empty() {
                    prop_assert_eq!(combined.culprits, culprits);
                } else {
                    let mut indices: Vec<_> =
                        partials.iter().map(|p| p.index).filter(|i| *i < n).collect();
                    indices.sort_unstable();
                    let first = indices.into_iter().take(required);
                    prop_assert!(first.into_iter().all(|index| !is_set(spoiled, index)));
                }
            }
            Err(CombineError::NotEnough { got, .. }) => {
                prop_assert_eq!(got, distinct);
                prop_assert!(distinct < required);
            }
            Err(CombineError::NotEnoughGood { good: got, culprits: named, .. }) => {
                prop_assert!(distinct >= required);
                prop_assert_eq!(got, good);
                prop_assert!(good < required);
                prop_assert_eq!(named, culprits);
            }
            Err(CombineError::TooMany { .. }) => prop_assert!(false, "few partials"),
        }
    }
}
