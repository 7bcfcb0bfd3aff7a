//! A player's side of a ceremony.

use super::{
    ceremony::Ceremony,
    dealer::open_public,
    identity,
    log::{AcceptedLogs, CeremonyFailure},
    output::Output,
};
use crate::Share;
use commonware_codec::{Copying, DecodeExt, Encode};
use commonware_cryptography::{
    bls12381::{
        dkg::feldman_desmedt::{self, DealerMessageError, DealerPrivMsg},
        primitives::variant::MinSig,
    },
    ed25519::PrivateKey,
};
use commonware_parallel::Sequential;
use commonware_utils::N3f1;
use std::{collections::BTreeMap, fmt};
use zeroize::Zeroizing;

/// Why a dealing was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DealingError {
    /// The sender is not among the dealers.
    #[error("the sender is not a dealer of the ceremony")]
    NotDealer,
    /// Not a public message that the dealer signed for this ceremony.
    #[error("the public message is not one signed by this dealer for this ceremony")]
    Public,
    /// The dealer signed it, and its commitment breaks the rules.
    #[error("the dealer's commitment is unusable: {0}")]
    Commitment(String),
    /// The private part does not lie on the committed polynomial.
    #[error("the private part does not match the dealer's commitment")]
    Private,
    /// The dealer signed another public message before: it cheats, and both messages prove it.
    #[error("the dealer signed a second, different public message")]
    Conflict,
}

/// Why a player has no share at the end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinalizeError {
    /// The ceremony failed, for all players alike.
    #[error(transparent)]
    Failed(#[from] CeremonyFailure),
    /// The ceremony succeeded, but a dealing that this player acknowledged is not in its state:
    /// feed the stored dealings again.
    #[error("the ceremony succeeded, but a dealing that this player acknowledged is missing here")]
    DealingMissing,
    /// The ceremony succeeded, but the dealing held is not the one in the dealer's log.
    #[error("the ceremony succeeded, but a dealing held here is not the one its dealer logged")]
    DealingStale,
}

/// What a player keeps of one dealing.
struct Dealing {
    public: Vec<u8>,
    private: Zeroizing<Vec<u8>>,
    ack: Vec<u8>,
}

/// A player that receives dealings.
///
/// Re-creatable: a new player fed the stored dealings is in the same state.
pub struct Player {
    ceremony: Ceremony,
    key: PrivateKey,
    inner: feldman_desmedt::Player<MinSig, PrivateKey>,
    dealings: BTreeMap<[u8; 32], Dealing>,
}

impl Player {
    /// Joins a ceremony with an ed25519 secret key; `None` when it is not a player's.
    #[must_use]
    pub fn new(ceremony: &Ceremony, secret: &[u8; 32]) -> Option<Self> {
        let key = identity::private(secret);
        let inner = feldman_desmedt::Player::new(ceremony.info().clone(), key.clone()).ok()?;
        Some(Self { ceremony: ceremony.clone(), key, inner, dealings: BTreeMap::new() })
    }

    /// Checks a dealing and returns the acknowledgement for its dealer, 64 bytes.
    ///
    /// The same dealing again gives the same acknowledgement. Store the dealing before sending
    /// the acknowledgement. On an error the state is as before.
    ///
    /// # Errors
    /// [`DealingError`] when the dealing must not be acknowledged.
    pub fn receive_dealing(
        &mut self,
        dealer: &[u8; 32],
        public: &[u8],
        private: &[u8],
    ) -> Result<Vec<u8>, DealingError> {
        if self.ceremony.dealers().binary_search(dealer).is_err() {
            return Err(DealingError::NotDealer);
        }
        let key = identity::public(dealer).map_err(|_| DealingError::NotDealer)?;
        let commitment = open_public(&self.ceremony, &key, public).ok_or(DealingError::Public)?;
        if let Some(held) = self.dealings.get(dealer) {
            return if held.public == public {
                Ok(held.ack.clone())
            } else {
                Err(DealingError::Conflict)
            };
        }
        let share = DealerPrivMsg::decode(Copying(private)).map_err(|_| DealingError::Private)?;
        let ack = self
            .inner
            .dealer_message::<N3f1>(key, commitment, share)
            .map_err(|error| match error {
                DealerMessageError::UnexpectedDealer => DealingError::NotDealer,
                DealerMessageError::InvalidDealerShare => DealingError::Private,
                DealerMessageError::InvalidCommitmentDegree { .. }
                | DealerMessageError::MismatchedReshareCommitment => {
                    DealingError::Commitment(error.to_string())
                }
            })?
            .ok_or(DealingError::Conflict)?
            .encode()
            .to_vec();
        let dealing = Dealing {
            public: public.to_vec(),
            private: Zeroizing::new(private.to_vec()),
            ack: ack.clone(),
        };
        self.dealings.insert(*dealer, dealing);
        Ok(ack)
    }

    /// Dealers whose dealing is held, ascending.
    pub fn dealt_by(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.dealings.keys()
    }

    /// Computes the output and this player's share from the logs, in ledger order.
    ///
    /// # Errors
    /// [`FinalizeError`]: the ceremony failed for all, or this player's state is incomplete.
    pub fn finalize<L: AsRef<[u8]>>(&self, logs: &[L]) -> Result<(Output, Share), FinalizeError> {
        let accepted = AcceptedLogs::collect(&self.ceremony, logs);
        let (output, share) = self
            .replay()
            .ok_or(FinalizeError::DealingMissing)?
            .finalize::<N3f1>(
                &mut accepted.stream(&self.ceremony),
                accepted.record(&self.ceremony),
                &Sequential,
            )
            .map_err(|error| match error {
                feldman_desmedt::FinalizeError::Failure(failure) => {
                    FinalizeError::Failed(failure.into())
                }
                feldman_desmedt::FinalizeError::Error(error) => match error {
                    feldman_desmedt::Error::InvalidPersistedDealing { .. } => {
                        FinalizeError::DealingStale
                    }
                    _ => FinalizeError::DealingMissing,
                },
            })?;
        let output = accepted.output(output)?;
        let share = Share::from_inner(share)
            .unwrap_or_else(|| unreachable!("at most 128 players have small indices"));
        if !share.belongs_to(output.sharing()) {
            return Err(FinalizeError::DealingStale);
        }
        Ok((output, share))
    }

    /// A second player in the same state: the one underneath is used up when it finalizes.
    fn replay(&self) -> Option<feldman_desmedt::Player<MinSig, PrivateKey>> {
        let info = self.ceremony.info().clone();
        let mut player = feldman_desmedt::Player::new(info, self.key.clone()).ok()?;
        for (dealer, dealing) in &self.dealings {
            let dealer = identity::public(dealer).ok()?;
            let commitment = open_public(&self.ceremony, &dealer, &dealing.public)?;
            let share = DealerPrivMsg::decode(Copying(dealing.private.as_slice())).ok()?;
            player.dealer_message::<N3f1>(dealer, commitment, share).ok()?;
        }
        Some(player)
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Player {{ ceremony: {:?}, dealings: {}, secrets: redacted }}",
            self.ceremony,
            self.dealings.len()
        )
    }
}
