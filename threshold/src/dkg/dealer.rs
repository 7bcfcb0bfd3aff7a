//! A dealer's side of a ceremony.

use super::{ceremony::Ceremony, identity};
use crate::{Share, random};
use commonware_codec::{Copying, Decode, DecodeExt, Encode};
use commonware_cryptography::{
    Signer, Verifier,
    bls12381::{
        dkg::feldman_desmedt::{self, DealerPubMsg, PlayerAck},
        primitives::variant::MinSig,
    },
    ed25519::{PrivateKey, PublicKey, Signature},
};
use commonware_utils::N3f1;
use std::{collections::BTreeSet, fmt};
use zeroize::Zeroizing;

/// Domain of a dealer's signature over its public message.
const DEALING_NAMESPACE: &[u8] = b"assay/v1/dkg/dealing";

/// Bytes of an ed25519 signature.
const SIGNATURE_BYTES: usize = 64;

/// Why this key can't deal in this ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The key is not among the dealers.
    #[error("this key is not a dealer of the ceremony")]
    NotDealer,
    /// A reshare needs the dealer's share of the previous key.
    #[error("resharing needs this dealer's share of the previous key")]
    ShareMissing,
    /// The share is not this dealer's share of the previous key, or a new key is generated.
    #[error("the share given is not this dealer's share of the key being reshared")]
    ShareUnexpected,
}

/// Why an acknowledgement was not taken. It may be the dealer's own fault: a player that was
/// shown another public message acknowledges that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// The sender is not among the players.
    #[error("the sender is not a player of the ceremony")]
    NotPlayer,
    /// Not an ed25519 signature by its form.
    #[error("an acknowledgement is a 64-byte ed25519 signature")]
    Malformed,
    /// Not the player's signature of this dealer's public message in this ceremony.
    #[error("the acknowledgement does not verify")]
    Signature,
}

/// What a dealer sends out. The public part goes to everybody, each private part only to its
/// player, sealed.
pub struct DealerMessages {
    /// Commitment to the dealer's polynomial, signed by the dealer.
    pub public: Vec<u8>,
    /// For each player, ascending: its key, and 32 secret bytes.
    pub private: Vec<([u8; 32], Zeroizing<Vec<u8>>)>,
}

impl fmt::Debug for DealerMessages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "DealerMessages {{ public: {} bytes, private: redacted, {} players }}",
            self.public.len(),
            self.private.len()
        )
    }
}

/// A dealer that collects acknowledgements.
pub struct Dealer {
    inner: feldman_desmedt::Dealer<MinSig, PrivateKey>,
    waiting: BTreeSet<[u8; 32]>,
}

impl Dealer {
    /// Makes a dealing: deterministic in its arguments, so that after a crash the same seed gives
    /// the same messages again.
    ///
    /// `secret` is the dealer's ed25519 secret key; `previous` its share of the key being
    /// reshared, if one is. `seed` must be secret and unpredictable; it is bound to the ceremony.
    ///
    /// # Errors
    /// [`StartError`] when the key does not deal here, or the share does not fit.
    pub fn start(
        ceremony: &Ceremony,
        secret: &[u8; 32],
        previous: Option<&Share>,
        seed: &[u8; 32],
    ) -> Result<(Self, DealerMessages), StartError> {
        let key = identity::private(secret);
        let me = identity::to_bytes(&key.public_key());
        if ceremony.dealers().binary_search(&me).is_err() {
            return Err(StartError::NotDealer);
        }
        match (ceremony.previous(), previous) {
            (None, None) => {}
            (None, Some(_)) => return Err(StartError::ShareUnexpected),
            (Some(_), None) => return Err(StartError::ShareMissing),
            (Some(output), Some(share)) => {
                let mine = output.player_index(&me) == Some(share.index());
                if !mine || !share.belongs_to(output.sharing()) {
                    return Err(StartError::ShareUnexpected);
                }
            }
        }
        let stream = random::from_parts(&[seed, &ceremony.id(), &me], b"dealing");
        let (inner, public, private) = feldman_desmedt::Dealer::start::<N3f1>(
            stream,
            ceremony.info().clone(),
            key.clone(),
            previous.map(|share| share.inner().clone()),
        )
        .map_err(|_| StartError::NotDealer)?;
        let mut message = public.encode().to_vec();
        let signed = [ceremony.id().as_slice(), &message].concat();
        message.extend_from_slice(&key.sign(DEALING_NAMESPACE, &signed).encode());
        let private: Vec<_> = private
            .into_iter()
            .map(|(player, dealing)| {
                (identity::to_bytes(&player), Zeroizing::new(dealing.encode().to_vec()))
            })
            .collect();
        let waiting = private.iter().map(|(player, _)| *player).collect();
        Ok((Self { inner, waiting }, DealerMessages { public: message, private }))
    }

    /// Takes a player's acknowledgement; the same one again changes nothing.
    ///
    /// # Errors
    /// [`AckError`] when it is not that player's acknowledgement of this dealing.
    pub fn receive_ack(&mut self, player: &[u8; 32], ack: &[u8]) -> Result<(), AckError> {
        let key = identity::public(player).map_err(|_| AckError::NotPlayer)?;
        let ack = PlayerAck::decode(Copying(ack)).map_err(|_| AckError::Malformed)?;
        self.inner.receive_player_ack(key, ack).map_err(|error| match error {
            feldman_desmedt::PlayerAckError::UnexpectedPlayer => AckError::NotPlayer,
            feldman_desmedt::PlayerAckError::InvalidAck => AckError::Signature,
        })?;
        self.waiting.remove(player);
        Ok(())
    }

    /// Players that did not acknowledge yet, ascending: those whose shares a log made now would
    /// reveal.
    pub fn unacknowledged(&self) -> impl ExactSizeIterator<Item = &[u8; 32]> {
        self.waiting.iter()
    }

    /// Closes the dealing: the signed log for the ledger, at most
    /// [`Ceremony::log_bytes_max`] bytes.
    ///
    /// Shares of players that did not acknowledge are revealed in it. When these are more than f,
    /// the log reveals nothing and this dealer drops out. Store the log before publishing it: a
    /// restarted dealer that makes another one may reveal more.
    #[must_use]
    pub fn finalize(self) -> Vec<u8> {
        self.inner.finalize::<N3f1>().encode().to_vec()
    }
}

impl fmt::Debug for Dealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Dealer { redacted }")
    }
}

/// Decodes and verifies a dealer's signed public message; `None` when it is not one.
pub(crate) fn open_public(
    ceremony: &Ceremony,
    dealer: &PublicKey,
    message: &[u8],
) -> Option<DealerPubMsg<MinSig>> {
    if message.len() > ceremony.log_bytes_max() {
        return None;
    }
    let length = message.len().checked_sub(SIGNATURE_BYTES)?;
    let (body, signature) = message.split_at_checked(length)?;
    let signature = Signature::decode(Copying(signature)).ok()?;
    let signed = [ceremony.id().as_slice(), body].concat();
    if !dealer.verify(DEALING_NAMESPACE, &signed, &signature) {
        return None;
    }
    DealerPubMsg::decode_cfg(Copying(body), &ceremony.players_limit()).ok()
}
