//! Dealers that sign what breaks the rules: messages and logs forged with the dealer's own key.

use crate::harness::{Conduct, Finished, LEDGER, Member, keys, members, run, seed, signature};
use commonware_codec::{Copying, DecodeExt, Encode};
use commonware_cryptography::{
    Signer,
    ed25519::PrivateKey,
    transcript::{Summary, Transcript, Version},
};
use std::collections::BTreeMap;
use threshold::dkg::{
    Ceremony, CeremonyFailure, Dealer, DealerMessages, DealingError, LogError, Player, check_log,
    observe,
};

fn key(member: &Member) -> PrivateKey {
    PrivateKey::decode(Copying(&member.secret)).expect("a key")
}

/// Signs a dealer's public message for a ceremony that it was not made for.
fn sign_public(ceremony: &Ceremony, dealer: &Member, message: &[u8]) -> Vec<u8> {
    let body = &message[..message.len() - 64];
    let signed = [&ceremony.id(), body].concat();
    let signature = key(dealer).sign(b"assay/v1/dkg/dealing", &signed).encode();
    [body, &signature].concat()
}

/// For the second player, a dealing of a secret that has nothing to do with the dealer's share.
pub(crate) fn dealing_of_random_constant(
    ceremony: &Ceremony,
    dealer: &Member,
) -> (Vec<u8>, Vec<u8>) {
    let fresh =
        Ceremony::new(&LEDGER, 99, ceremony.dealers(), ceremony.players(), None).expect("ceremony");
    let (_, messages) = Dealer::start(&fresh, &dealer.secret, None, &[8; 32]).expect("dealer");
    let public = sign_public(ceremony, dealer, &messages.public);
    (public, messages.private[1].1.to_vec())
}

/// An honest ceremony of four, and the first dealer's messages in it.
fn four() -> (Finished, Vec<Member>, DealerMessages) {
    let members = members(4, 1);
    let all = keys(&members);
    let ceremony = Ceremony::new(&LEDGER, 7, &all, &all, None).expect("ceremony");
    let deaf = Conduct::HearsNothingFrom(vec![all[3]]);
    let conduct = BTreeMap::from([(all[0], deaf)]);
    let finished = run(&ceremony, &members, &BTreeMap::new(), &members, &conduct);
    let (_, messages) =
        Dealer::start(&ceremony, &members[0].secret, None, &seed(&members[0])).expect("dealer");
    (finished, members, messages)
}

/// Edits the first dealer's log and signs it again with that dealer's key.
fn forge(finished: &Finished, dealer: &Member, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let output = observe(&finished.ceremony, &finished.logs).expect("honest output").to_bytes();
    let summary = Summary::decode(Copying(&output[4..36])).expect("the ceremony's summary");
    let log = &finished.logs[0];
    let mut body = log[32..log.len() - 64].to_vec();
    edit(&mut body);
    let mut transcript = Transcript::resume(summary, Version::V0).fork(b"log");
    transcript.commit(body.as_slice());
    let signature = transcript.sign(&key(dealer)).encode();
    [&dealer.public, body.as_slice(), &signature].concat()
}

/// A change to a log's body.
type Edit<'a> = Box<dyn FnOnce(&mut Vec<u8>) + 'a>;

fn position(body: &[u8], part: &[u8]) -> usize {
    body.windows(part.len()).position(|window| window == part).expect("part of the log")
}

/// The acknowledgement that a player gives for a dealing.
fn ack(finished: &Finished, player: &Member, place: usize, messages: &DealerMessages) -> Vec<u8> {
    let dealer = finished.ceremony.dealers()[0];
    Player::new(&finished.ceremony, &player.secret)
        .expect("a player")
        .receive_dealing(&dealer, &messages.public, &messages.private[place].1)
        .expect("acknowledged")
}

#[test]
fn forge_unedited_log_is_the_same_log() {
    let (finished, members, _) = four();
    assert_eq!(forge(&finished, &members[0], |_| {}), finished.logs[0]);
}

#[test]
fn check_log_faults_are_found_and_named_by_observers() {
    let (finished, members, messages) = four();
    let acks: Vec<_> =
        (0..3).map(|place| ack(&finished, &members[place], place, &messages)).collect();
    let reveal = |body: &mut Vec<u8>, place: usize| {
        let at = position(body, &acks[place]);
        let share = &messages.private[place].1;
        body.splice(at - 1..at + 64, [&[1], share.as_slice()].concat());
    };
    let edits: [(&str, Edit<'_>); 5] = [
        (
            "dealer reveal does not match its commitment",
            Box::new(|body| {
                let at = position(body, &messages.private[3].1);
                body[at + 31] ^= 1;
            }),
        ),
        (
            "dealer log contains an acknowledgement signature that does not verify",
            Box::new(|body| {
                let at = position(body, &acks[0]);
                body[at + 32] ^= 1;
            }),
        ),
        ("dealer log publishes too many reveals", Box::new(|body| reveal(body, 2))),
        (
            "invalid dealer commitment degree: expected 2, got 1",
            Box::new(|body| {
                body[0] = 2;
                body.drain(1 + 2 * 96..1 + 3 * 96);
            }),
        ),
        (
            "dealer log player set does not match the round",
            Box::new(|body| {
                // One player fewer: drop the last key of four, and the reveal that is last.
                let keys_at = position(body, &members[0].public) - 1;
                body[keys_at] = 3;
                body.drain(keys_at + 1 + 96..keys_at + 1 + 128);
                body.truncate(body.len() - 33);
                if let Some(count) = body.get_mut(keys_at + 97).filter(|count| **count == 4) {
                    *count = 3;
                }
            }),
        ),
    ];
    for (fault, edit) in edits {
        let forged = forge(&finished, &members[0], edit);
        assert_eq!(check_log(&finished.ceremony, &forged), Err(LogError::Fault(fault.into())));
        let mut logs = finished.logs.clone();
        logs[0] = forged;
        let output = observe(&finished.ceremony, &logs).expect("three others suffice");
        assert!(!output.qualified_dealers().contains(&members[0].public));
        logs.pop();
        assert_eq!(
            observe(&finished.ceremony, &logs),
            Err(CeremonyFailure::NotEnoughLogs {
                found: 2,
                required: 3,
                faulty: vec![(members[0].public, fault.into())],
                absent: vec![members[3].public],
            })
        );
    }
}

#[test]
fn check_log_of_other_signer_ceremony_or_stranger_is_refused() {
    let (finished, members, _) = four();
    let log = &finished.logs[1];
    let all = keys(&members);
    let other = Ceremony::new(&LEDGER, 8, &all, &all, None).expect("ceremony");
    assert_eq!(check_log(&other, log), Err(LogError::Signature));
    let mut renamed = log.clone();
    renamed[..32].copy_from_slice(&all[2]);
    assert_eq!(check_log(&finished.ceremony, &renamed), Err(LogError::Signature));
    let stranger = crate::harness::members(1, 9)[0];
    let foreign = forge(&finished, &stranger, |_| {});
    assert_eq!(check_log(&finished.ceremony, &foreign), Err(LogError::NotDealer));
}

#[test]
fn receive_dealing_of_other_degree_is_refused() {
    let seven = members(7, 1);
    let all = keys(&seven);
    let small = Ceremony::new(&LEDGER, 7, &all[..4], &all[..4], None).expect("ceremony");
    let large = Ceremony::new(&LEDGER, 7, &all, &all, None).expect("ceremony");
    let receive = |from: &Ceremony, to: &Ceremony| {
        let (_, messages) = Dealer::start(from, &seven[0].secret, None, &[1; 32]).expect("dealer");
        let public = sign_public(to, &seven[0], &messages.public);
        let mut player = Player::new(to, &seven[1].secret).expect("a player");
        player.receive_dealing(&all[0], &public, &messages.private[1].1)
    };
    assert_eq!(
        receive(&small, &large),
        Err(DealingError::Commitment("invalid dealer commitment degree: expected 4, got 2".into()))
    );
    assert_eq!(receive(&large, &small), Err(DealingError::Public));
}

#[test]
fn keygen_with_one_forged_log_still_gives_shares() {
    let (mut finished, members, messages) = four();
    finished.logs[0] = forge(&finished, &members[0], |body| {
        let at = position(body, &messages.private[3].1);
        body[at + 31] ^= 1;
    });
    let (output, shares) = finished.succeed();
    signature(&output, &shares);
}
