//! Deals shares that do not lie on the polynomial it committed to: sealed rightly, so that only its
//! receiver can tell.

use borsh::{BorshDeserialize, BorshSerialize};
use protocol::ledger::ceremony_of;
use rand::Rng;

use super::{Act, Adversary, Outgoing};
use crate::{
    scenario,
    world::{Payload, index},
};

/// A dealing as operators send it; anything else does not decode.
#[derive(BorshSerialize, BorshDeserialize)]
enum Direct {
    Dealing { round: u64, public: Vec<u8>, sealed: Vec<u8> },
}

pub(super) struct BadShares(pub(super) scenario::Adversary);

impl Adversary for BadShares {
    fn say(&mut self, act: &mut Act<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        let Payload::Direct(bytes) = &outgoing.payload else { return vec![outgoing] };
        let Ok(Direct::Dealing { round, public, .. }) = Direct::try_from_slice(bytes) else {
            return vec![outgoing];
        };
        if !act.takes(&self.0) {
            return vec![outgoing];
        }
        let bad = outgoing.to.first().and_then(|to| sealed(act, round, *to));
        let bad =
            bad.and_then(|sealed| borsh::to_vec(&Direct::Dealing { round, public, sealed }).ok());
        match bad {
            Some(bytes) => vec![Outgoing { payload: Payload::Direct(bytes.into()), ..outgoing }],
            None => vec![outgoing],
        }
    }
}

/// A share that is a scalar and no other's, sealed to its receiver.
fn sealed(act: &mut Act<'_>, round: u64, to: usize) -> Option<Vec<u8>> {
    let ledger = act.operator.ledger();
    let genesis = ledger.genesis();
    let key = ledger.state().ceremony.as_ref()?.keys.get(&index(to))?;
    let (mine, theirs) = (genesis.member(index(act.place))?, genesis.member(index(to))?);
    let info = ceremony_of(genesis, round).ok()?;
    let context = info.dealing_context(&mine.network_key, &theirs.network_key);
    let mut share: [u8; 32] = act.dice.r#gen();
    share[0] &= 0x3F;
    let entropy: [u8; 32] = act.dice.r#gen();
    threshold::seal(key, &context, &share, &entropy).ok()
}
