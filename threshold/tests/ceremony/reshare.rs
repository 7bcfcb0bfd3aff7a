//! Resharing: the key and its signatures stay, the shares don't.

use crate::harness::{Conduct, LEDGER, MESSAGE, by_key, generate, keys, members, run, signature};
use std::collections::BTreeMap;
use threshold::{
    VerifyError,
    dkg::{Ceremony, Dealer, DealingError, Player, StartError},
    sign_partial, trusted, verify_partial,
};

#[test]
fn reshare_same_seven_keeps_key_and_refreshes_shares() {
    let members = members(7, 1);
    let all = keys(&members);
    let (old, old_shares) = generate(&members);
    let ceremony = Ceremony::new(&LEDGER, 1, &all, &all, Some(&old)).expect("ceremony");
    let shares = by_key(&members, &old_shares);
    let finished = run(&ceremony, &members, &shares, &members, &BTreeMap::new());
    let (new, new_shares) = finished.succeed();
    assert_eq!(new.group_key(), old.group_key());
    assert_eq!(signature(&new, &new_shares), signature(&old, &old_shares));
    assert_ne!(new.sharing(), old.sharing());
    for (before, after) in old_shares.iter().zip(&new_shares) {
        assert_ne!(before.secret_bytes(), after.secret_bytes());
        assert!(!before.belongs_to(new.sharing()));
        let stale = sign_partial(before, &MESSAGE);
        assert_eq!(
            verify_partial(new.sharing(), before.index(), &MESSAGE, &stale),
            Err(VerifyError::Invalid)
        );
    }
}

#[test]
fn reshare_to_other_committees_keeps_key_and_signature() {
    for (from, to) in [(4, 7), (7, 4), (5, 6), (6, 5), (7, 7)] {
        let (dealers, players) = (members(from, 1), members(to, 2));
        let (old, old_shares) = generate(&dealers);
        let ceremony =
            Ceremony::new(&LEDGER, 1, &keys(&dealers), &keys(&players), Some(&old)).expect("new");
        let shares = by_key(&dealers, &old_shares);
        let finished = run(&ceremony, &dealers, &shares, &players, &BTreeMap::new());
        let (new, new_shares) = finished.succeed();
        assert_eq!(new.group_key(), old.group_key());
        assert_eq!(signature(&new, &new_shares), signature(&old, &old_shares));
        assert_eq!(new.players(), keys(&players));
    }
}

#[test]
fn reshare_twice_from_decoded_output_keeps_key() {
    let members = members(4, 1);
    let all = keys(&members);
    let (mut output, mut shares) = trusted::deal_output([3; 32], &all);
    let (key, first) = (*output.group_key(), signature(&output, &shares));
    for round in 1..=2 {
        let stored = threshold::dkg::Output::from_bytes(&output.to_bytes()).expect("decodes");
        let ceremony = Ceremony::new(&LEDGER, round, &all, &all, Some(&stored)).expect("ceremony");
        let held = by_key(&members, &shares);
        (output, shares) = run(&ceremony, &members, &held, &members, &BTreeMap::new()).succeed();
        assert_eq!(*output.group_key(), key);
        assert_eq!(signature(&output, &shares), first);
    }
}

#[test]
fn reshare_with_stalled_and_cheating_dealers_keeps_key() {
    let members = members(7, 1);
    let all = keys(&members);
    let (old, old_shares) = generate(&members);
    let ceremony = Ceremony::new(&LEDGER, 1, &all, &all, Some(&old)).expect("ceremony");
    let conduct =
        BTreeMap::from([(all[0], Conduct::Stalls), (all[1], Conduct::CheatsPlayers(vec![all[4]]))]);
    let shares = by_key(&members, &old_shares);
    let (new, new_shares) = run(&ceremony, &members, &shares, &members, &conduct).succeed();
    assert_eq!(new.group_key(), old.group_key());
    assert_eq!(signature(&new, &new_shares), signature(&old, &old_shares));
    assert_eq!(new.dealings_revealed(), 1);
    assert!(!new.qualified_dealers().contains(&all[0]));
}

#[test]
fn reshare_by_a_quorum_of_the_old_committee_suffices() {
    let (dealers, players) = (members(5, 1), members(7, 2));
    let (old, old_shares) = generate(&dealers);
    let some = &dealers[1..];
    let ceremony =
        Ceremony::new(&LEDGER, 1, &keys(some), &keys(&players), Some(&old)).expect("four of five");
    assert_eq!(ceremony.required_logs(), 4);
    let shares = by_key(&dealers, &old_shares);
    let (new, _) = run(&ceremony, some, &shares, &players, &BTreeMap::new()).succeed();
    assert_eq!(new.group_key(), old.group_key());
}

#[test]
fn start_share_that_does_not_fit_is_refused() {
    let members = members(4, 1);
    let all = keys(&members);
    let (old, shares) = generate(&members);
    let fresh = Ceremony::new(&LEDGER, 1, &all, &all, None).expect("ceremony");
    let reshare = Ceremony::new(&LEDGER, 1, &all, &all, Some(&old)).expect("ceremony");
    let (_, foreign) = trusted::deal_output([3; 32], &all);
    let start = |ceremony, member: usize, share| {
        Dealer::start(ceremony, &members[member].secret, share, &[1; 32]).map(|_| ())
    };
    assert_eq!(start(&fresh, 0, Some(&shares[0])), Err(StartError::ShareUnexpected));
    assert_eq!(start(&reshare, 0, None), Err(StartError::ShareMissing));
    assert_eq!(start(&reshare, 0, Some(&shares[1])), Err(StartError::ShareUnexpected));
    assert_eq!(start(&reshare, 0, Some(&foreign[0])), Err(StartError::ShareUnexpected));
    assert_eq!(start(&reshare, 0, Some(&shares[0])), Ok(()));
}

#[test]
fn receive_dealing_reshare_of_another_key_is_refused() {
    let members = members(4, 1);
    let all = keys(&members);
    let (old, _) = generate(&members);
    let reshare = Ceremony::new(&LEDGER, 1, &all, &all, Some(&old)).expect("ceremony");
    let mut player = Player::new(&reshare, &members[1].secret).expect("a player");
    let (message, private) = crate::faults::dealing_of_random_constant(&reshare, &members[0]);
    assert!(matches!(
        player.receive_dealing(&all[0], &message, &private),
        Err(DealingError::Commitment(_))
    ));
}
