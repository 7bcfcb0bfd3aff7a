//! Generating a key.

use crate::harness::{Conduct, LEDGER, generate, keys, members, run, seed, signature};
use std::collections::BTreeMap;
use threshold::{
    dkg::{
        AckError, Ceremony, CeremonyFailure, Dealer, DealingError, FinalizeError, LogError, Player,
        check_log, observe,
    },
    max_faulty, quorum,
};

/// A key generation among `count` members where the members at these places misbehave.
fn keygen(count: u8, conduct: &[(usize, Conduct)]) -> crate::harness::Finished {
    let members = members(count, 1);
    let all = keys(&members);
    let ceremony = Ceremony::new(&LEDGER, 7, &all, &all, None).expect("ceremony");
    let conduct = conduct.iter().map(|(place, what)| (all[*place], what.clone())).collect();
    run(&ceremony, &members, &BTreeMap::new(), &members, &conduct)
}

#[test]
fn keygen_honest_all_sizes_any_quorum_signs() {
    for count in 4..=7 {
        let finished = keygen(count, &[]);
        let (output, shares) = finished.succeed();
        signature(&output, &shares);
        assert_eq!(output.qualified_dealers().len(), quorum(usize::from(count)));
        assert_eq!(output.dealings_revealed(), 0);
        assert_eq!(output.exposed_players(), Vec::<[u8; 32]>::new());
        assert_eq!(output.players(), keys(&members(count, 1)));
        for (log, dealer) in finished.logs.iter().zip(output.players()) {
            let summary = check_log(&finished.ceremony, log).expect("good log");
            assert_eq!(summary.dealer, dealer);
            assert_eq!(summary.acknowledged, output.players());
            assert!(summary.revealed.is_empty());
        }
    }
}

#[test]
fn keygen_two_ceremonies_two_keys() {
    let members = members(4, 1);
    let all = keys(&members);
    let mut seen = Vec::new();
    for (ledger, round) in [(LEDGER, 0), (LEDGER, 1), ([0xbb; 32], 0)] {
        let ceremony = Ceremony::new(&ledger, round, &all, &all, None).expect("ceremony");
        let finished = run(&ceremony, &members, &BTreeMap::new(), &members, &BTreeMap::new());
        seen.push(*finished.succeed().0.group_key());
    }
    assert!(seen[0] != seen[1] && seen[0] != seen[2] && seen[1] != seen[2]);
}

#[test]
fn keygen_stalled_dealers_up_to_f_are_left_out() {
    for count in 4..=7 {
        let faulty = max_faulty(usize::from(count));
        let stalled: Vec<_> = (0..faulty).map(|place| (place, Conduct::Stalls)).collect();
        let finished = keygen(count, &stalled);
        let (output, shares) = finished.succeed();
        signature(&output, &shares);
        assert_eq!(output.qualified_dealers(), keys(&members(count, 1))[faulty..]);
    }
}

#[test]
fn keygen_more_than_f_dealers_stalled_fails_and_names_them() {
    let finished = keygen(4, &[(1, Conduct::Stalls), (3, Conduct::Stalls)]);
    let all = keys(&members(4, 1));
    let failure = CeremonyFailure::NotEnoughLogs {
        found: 2,
        required: 3,
        faulty: Vec::new(),
        absent: vec![all[1], all[3]],
    };
    assert_eq!(observe(&finished.ceremony, &finished.logs), Err(failure.clone()));
    assert_eq!(
        finished.players[0].finalize(&finished.logs).map(|_| ()),
        Err(FinalizeError::Failed(failure))
    );
}

#[test]
fn keygen_bad_share_is_answered_by_reveal() {
    for count in [4, 7] {
        let all = keys(&members(count, 1));
        let finished = keygen(count, &[(0, Conduct::CheatsPlayers(vec![all[2]]))]);
        let summary = check_log(&finished.ceremony, &finished.logs[0]).expect("usable");
        assert_eq!(summary.revealed, [all[2]]);
        let (output, shares) = finished.succeed();
        signature(&output, &shares);
        assert_eq!(output.dealings_revealed(), 1);
        assert!(output.exposed_players().is_empty());
        assert!(output.qualified_dealers().contains(&all[0]));
    }
}

#[test]
fn keygen_dealer_cheating_more_than_f_players_drops_out() {
    let all = keys(&members(4, 1));
    let finished = keygen(4, &[(0, Conduct::CheatsPlayers(vec![all[1], all[2]]))]);
    assert_eq!(check_log(&finished.ceremony, &finished.logs[0]), Err(LogError::Withheld));
    let (output, shares) = finished.succeed();
    signature(&output, &shares);
    assert_eq!(output.qualified_dealers(), all[1..]);
}

#[test]
fn keygen_player_unheard_by_all_is_exposed_and_still_has_its_share() {
    let all = keys(&members(4, 1));
    let deaf = Conduct::HearsNothingFrom(vec![all[3]]);
    let conduct: Vec<_> = (0..4).map(|place| (place, deaf.clone())).collect();
    let (output, shares) = keygen(4, &conduct).succeed();
    signature(&output, &shares);
    assert_eq!(output.dealings_revealed(), 3);
    assert_eq!(output.exposed_players(), [all[3]]);
}

#[test]
fn keygen_player_that_got_nothing_reads_its_share_from_reveals() {
    let all = keys(&members(4, 1));
    let deaf = Conduct::HearsNothingFrom(vec![all[3]]);
    let conduct: Vec<_> = (0..4).map(|place| (place, deaf.clone())).collect();
    let finished = keygen(4, &conduct);
    let fresh = Player::new(&finished.ceremony, &members(4, 1)[3].secret).expect("a player");
    let (output, share) = fresh.finalize(&finished.logs).expect("all revealed");
    assert!(share.belongs_to(output.sharing()));
}

#[test]
fn player_recreated_from_stored_dealings_acknowledges_and_finalizes_alike() {
    let members = members(4, 1);
    let all = keys(&members);
    let ceremony = Ceremony::new(&LEDGER, 7, &all, &all, None).expect("ceremony");
    let mut first = Player::new(&ceremony, &members[2].secret).expect("a player");
    let mut stored = Vec::new();
    let mut acks = Vec::new();
    let mut logs = Vec::new();
    for member in &members {
        let (mut dealer, messages) =
            Dealer::start(&ceremony, &member.secret, None, &seed(member)).expect("a dealer");
        for (place, (to, private)) in messages.private.iter().enumerate() {
            let ack =
                if place == 2 {
                    stored.push((member.public, messages.public.clone(), private.clone()));
                    let ack = first.receive_dealing(&member.public, &messages.public, private);
                    let again = first.receive_dealing(&member.public, &messages.public, private);
                    assert_eq!(again, ack);
                    acks.push(ack.clone());
                    ack
                } else {
                    Player::new(&ceremony, &members[place].secret)
                        .expect("a player")
                        .receive_dealing(&member.public, &messages.public, private)
                };
            let ack = ack.expect("acknowledged");
            dealer.receive_ack(to, &ack).expect("taken");
            dealer.receive_ack(to, &ack).expect("taken again");
        }
        logs.push(dealer.finalize());
    }
    let (output, share) = first.finalize(&logs).expect("finalized");
    assert_eq!(first.finalize(&logs).expect("twice").0, output);

    let mut second = Player::new(&ceremony, &members[2].secret).expect("a player");
    for ((dealer, public, private), ack) in stored.iter().zip(&acks) {
        assert_eq!(second.receive_dealing(dealer, public, private), *ack);
    }
    assert_eq!(second.dealt_by().copied().collect::<Vec<_>>(), all);
    let (again, same) = second.finalize(&logs).expect("finalized");
    assert_eq!((again, same.secret_bytes()), (output, share.secret_bytes()));

    let mut third = Player::new(&ceremony, &members[2].secret).expect("a player");
    let (dealer, public, private) = &stored[0];
    third.receive_dealing(dealer, public, private).expect("acknowledged");
    assert_eq!(third.finalize(&logs).map(|_| ()), Err(FinalizeError::DealingMissing));
}

#[test]
fn dealer_restarted_with_same_seed_sends_the_same() {
    let members = members(4, 1);
    let all = keys(&members);
    let start = |round, seed: [u8; 32]| {
        let ceremony = Ceremony::new(&LEDGER, round, &all, &all, None).expect("ceremony");
        let (dealer, messages) =
            Dealer::start(&ceremony, &members[0].secret, None, &seed).expect("a dealer");
        (dealer.finalize(), messages.public, messages.private)
    };
    assert_eq!(start(1, [5; 32]), start(1, [5; 32]));
    assert_ne!(start(1, [5; 32]).1, start(1, [6; 32]).1);
    assert_ne!(start(1, [5; 32]).2, start(2, [5; 32]).2);
}

#[test]
fn observe_first_log_of_a_dealer_counts() {
    let members = members(4, 1);
    let all = keys(&members);
    let finished = keygen(4, &[]);
    // The same dealing logged a second time, without the last player's acknowledgement.
    let (mut dealer, messages) =
        Dealer::start(&finished.ceremony, &members[0].secret, None, &seed(&members[0]))
            .expect("a dealer");
    for (place, (to, private)) in messages.private.iter().take(3).enumerate() {
        let ack = Player::new(&finished.ceremony, &members[place].secret)
            .expect("a player")
            .receive_dealing(&all[0], &messages.public, private)
            .expect("acknowledged");
        dealer.receive_ack(to, &ack).expect("taken");
    }
    let second = dealer.finalize();
    let after: Vec<_> = finished.logs.iter().chain([&second]).cloned().collect();
    let before: Vec<_> = [&second].into_iter().chain(&finished.logs).cloned().collect();
    assert_eq!(observe(&finished.ceremony, &after).expect("key").dealings_revealed(), 0);
    assert_eq!(observe(&finished.ceremony, &before).expect("key").dealings_revealed(), 1);
}

#[test]
fn observe_junk_between_logs_changes_nothing() {
    let finished = keygen(4, &[]);
    let mut logs = vec![vec![], vec![1; 300], finished.logs[0][1..].to_vec()];
    logs.extend(keygen(5, &[]).logs);
    logs.extend(finished.logs.iter().cloned());
    assert_eq!(observe(&finished.ceremony, &logs), observe(&finished.ceremony, &finished.logs));
}

#[test]
fn receive_dealing_from_stranger_or_tampered_is_refused_and_forgotten() {
    let members = members(5, 1);
    let all = keys(&members);
    let ceremony = Ceremony::new(&LEDGER, 7, &all[..4], &all[..4], None).expect("ceremony");
    let (mut dealer, messages) =
        Dealer::start(&ceremony, &members[0].secret, None, &[1; 32]).expect("a dealer");
    let mut player = Player::new(&ceremony, &members[1].secret).expect("a player");
    let private = &messages.private[1].1;
    let mut receive = |from: &[u8; 32], public: &[u8], private: &[u8]| {
        player.receive_dealing(from, public, private)
    };
    assert_eq!(receive(&all[4], &messages.public, private), Err(DealingError::NotDealer));
    assert_eq!(receive(&all[2], &messages.public, private), Err(DealingError::Public));
    for position in [0, 1, 50, messages.public.len() - 1] {
        let mut public = messages.public.clone();
        public[position] ^= 1;
        assert_eq!(receive(&all[0], &public, private), Err(DealingError::Public));
    }
    assert_eq!(receive(&all[0], &[], private), Err(DealingError::Public));
    assert_eq!(receive(&all[0], &vec![0; 1 << 20], private), Err(DealingError::Public));
    for private in [&[0; 32][..], &private[..31], &messages.private[2].1] {
        assert_eq!(receive(&all[0], &messages.public, private), Err(DealingError::Private));
    }
    let ack = receive(&all[0], &messages.public, private).expect("the right one still counts");
    assert_eq!(dealer.receive_ack(&all[2], &ack), Err(AckError::Signature));
    assert_eq!(dealer.receive_ack(&all[4], &ack), Err(AckError::NotPlayer));
    assert_eq!(dealer.receive_ack(&all[1], &ack[..63]), Err(AckError::Malformed));
    assert_eq!(dealer.unacknowledged().copied().collect::<Vec<_>>(), all[..4]);
    assert_eq!(dealer.receive_ack(&all[1], &ack), Ok(()));
    assert_eq!(dealer.unacknowledged().copied().collect::<Vec<_>>(), [all[0], all[2], all[3]]);
}

#[test]
fn receive_dealing_second_message_of_a_dealer_is_a_conflict() {
    let members = members(4, 1);
    let all = keys(&members);
    let ceremony = Ceremony::new(&LEDGER, 7, &all, &all, None).expect("ceremony");
    let start = |seed| Dealer::start(&ceremony, &members[0].secret, None, &seed).expect("dealer");
    let ((_, one), (_, two)) = (start([1; 32]), start([2; 32]));
    let mut player = Player::new(&ceremony, &members[0].secret).expect("a player");
    player.receive_dealing(&all[0], &one.public, &one.private[0].1).expect("acknowledged");
    assert_eq!(
        player.receive_dealing(&all[0], &two.public, &two.private[0].1),
        Err(DealingError::Conflict)
    );
}

#[test]
fn finalize_dealing_other_than_logged_is_stale() {
    let members = members(4, 1);
    let finished = keygen(4, &[]);
    let (_, other) =
        Dealer::start(&finished.ceremony, &members[0].secret, None, &[9; 32]).expect("dealer");
    let mut player = Player::new(&finished.ceremony, &members[1].secret).expect("a player");
    player
        .receive_dealing(&members[0].public, &other.public, &other.private[1].1)
        .expect("well-formed");
    for member in &members[1..] {
        let (_, dealing) =
            Dealer::start(&finished.ceremony, &member.secret, None, &seed(member)).expect("dealer");
        player
            .receive_dealing(&member.public, &dealing.public, &dealing.private[1].1)
            .expect("acknowledged");
    }
    assert_eq!(player.finalize(&finished.logs).map(|_| ()), Err(FinalizeError::DealingStale));
}

#[test]
fn debug_output_shows_no_secret() {
    let members = members(4, 1);
    let all = keys(&members);
    let ceremony = Ceremony::new(&LEDGER, 7, &all, &all, None).expect("ceremony");
    let (dealer, messages) =
        Dealer::start(&ceremony, &members[0].secret, None, &[1; 32]).expect("dealer");
    let player = Player::new(&ceremony, &members[0].secret).expect("player");
    let shown = format!("{dealer:?} {messages:?} {player:?} {:?}", generate(&members).0);
    assert!(shown.contains("redacted"));
    assert!(!shown.contains(&hex::encode(&*messages.private[0].1)));
    assert!(!shown.contains(&hex::encode(members[0].secret)));
}
