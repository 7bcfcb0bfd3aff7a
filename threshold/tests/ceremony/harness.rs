//! Members with keys, and one ceremony among them with sealed dealings.

use std::collections::BTreeMap;
use threshold::{
    EphemeralKey, PartialSignature, Share, Signature, combine,
    dkg::{Ceremony, Dealer, DealingError, Output, Player, observe, public_identity},
    open, quorum, seal, sign_partial, verify,
};

pub(crate) const LEDGER: [u8; 32] = [0xaa; 32];
pub(crate) const MESSAGE: [u8; 32] = [0x17; 32];

/// Somebody with a network key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) secret: [u8; 32],
    pub(crate) public: [u8; 32],
}

/// Members in ascending order of their public keys.
pub(crate) fn members(count: u8, generation: u8) -> Vec<Member> {
    let mut members: Vec<_> = (0..count)
        .map(|number| {
            let mut secret = [generation; 32];
            secret[0] = number;
            Member { secret, public: public_identity(&secret) }
        })
        .collect();
    members.sort_by_key(|member| member.public);
    members
}

pub(crate) fn keys(members: &[Member]) -> Vec<[u8; 32]> {
    members.iter().map(|member| member.public).collect()
}

/// What a dealer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Honest,
    /// Sends nothing, logs nothing.
    Stalls,
    /// Sends these players a private part that is not on its polynomial.
    CheatsPlayers(Vec<[u8; 32]>),
    /// Never gets these players' acknowledgements.
    HearsNothingFrom(Vec<[u8; 32]>),
}

/// A ceremony after all messages were exchanged.
pub(crate) struct Finished {
    pub(crate) ceremony: Ceremony,
    pub(crate) players: Vec<Player>,
    pub(crate) logs: Vec<Vec<u8>>,
}

/// Seed of a dealer in a ceremony.
pub(crate) fn seed(member: &Member) -> [u8; 32] {
    let mut seed = member.secret;
    seed[31] ^= 0xff;
    seed
}

/// Runs a ceremony. `shares` are the dealers' previous shares by key; `conduct` names those that
/// are not honest.
pub(crate) fn run(
    ceremony: &Ceremony,
    dealers: &[Member],
    shares: &BTreeMap<[u8; 32], Share>,
    members: &[Member],
    conduct: &BTreeMap<[u8; 32], Conduct>,
) -> Finished {
    let mut players: Vec<_> = members
        .iter()
        .map(|member| Player::new(ceremony, &member.secret).expect("a player"))
        .collect();
    let boxes: Vec<_> = members.iter().map(|m| EphemeralKey::from_seed(&m.secret)).collect();
    let mut logs = Vec::new();
    for member in dealers {
        let conduct = conduct.get(&member.public).unwrap_or(&Conduct::Honest);
        if *conduct == Conduct::Stalls {
            continue;
        }
        let share = shares.get(&member.public);
        let (mut dealer, messages) =
            Dealer::start(ceremony, &member.secret, share, &seed(member)).expect("a dealer");
        for (index, (to, private)) in messages.private.iter().enumerate() {
            let context = ceremony.dealing_context(&member.public, to);
            let mut private = private.to_vec();
            if matches!(conduct, Conduct::CheatsPlayers(cheated) if cheated.contains(to)) {
                private[31] ^= 1;
            }
            let sealed =
                seal(&boxes[index].public(), &context, &private, &seed(member)).expect("seals");
            let opened = open(&boxes[index], &context, &sealed).expect("opens");
            match players[index].receive_dealing(&member.public, &messages.public, &opened) {
                Ok(ack) => {
                    let deaf =
                        matches!(conduct, Conduct::HearsNothingFrom(who) if who.contains(to));
                    if !deaf {
                        dealer.receive_ack(to, &ack).expect("a good acknowledgement");
                    }
                }
                Err(error) => assert_eq!(error, DealingError::Private),
            }
        }
        logs.push(dealer.finalize());
    }
    Finished { ceremony: ceremony.clone(), players, logs }
}

impl Finished {
    /// Finalizes all players; all must reach the observer's output and a share of its sharing.
    pub(crate) fn succeed(&self) -> (Output, Vec<Share>) {
        let output = observe(&self.ceremony, &self.logs).expect("observed");
        let shares = self
            .players
            .iter()
            .enumerate()
            .map(|(index, player)| {
                let (own, share) = player.finalize(&self.logs).expect("finalized");
                assert_eq!(own.to_bytes(), output.to_bytes());
                assert_eq!(usize::from(share.index()), index);
                assert!(share.belongs_to(output.sharing()));
                share
            })
            .collect();
        assert!(output.fits(&self.ceremony));
        (output, shares)
    }
}

/// A fresh key among members that all behave.
pub(crate) fn generate(members: &[Member]) -> (Output, Vec<Share>) {
    let all = keys(members);
    let ceremony = Ceremony::new(&LEDGER, 0, &all, &all, None).expect("ceremony");
    run(&ceremony, members, &BTreeMap::new(), members, &BTreeMap::new()).succeed()
}

/// Pairs shares with their holders.
pub(crate) fn by_key(members: &[Member], shares: &[Share]) -> BTreeMap<[u8; 32], Share> {
    members.iter().map(|member| member.public).zip(shares.iter().cloned()).collect()
}

/// Signs with all shares; checks that the last q give the signature and fewer don't.
pub(crate) fn signature(output: &Output, shares: &[Share]) -> Signature {
    let partials: Vec<PartialSignature> =
        shares.iter().map(|share| sign_partial(share, &MESSAGE)).collect();
    let required = quorum(shares.len());
    assert_eq!(output.sharing().required(), required);
    let first = combine(output.sharing(), &MESSAGE, &partials[..required]).expect("first q");
    let last = combine(output.sharing(), &MESSAGE, &partials[shares.len() - required..]);
    assert_eq!(last.expect("last q").signature, first.signature);
    assert!(combine(output.sharing(), &MESSAGE, &partials[1..required]).is_err());
    verify(output.group_key(), &MESSAGE, &first.signature).expect("verifies");
    first.signature
}
