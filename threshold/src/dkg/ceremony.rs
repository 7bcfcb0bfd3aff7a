//! What all participants of a ceremony agree on before it starts.

use super::{
    identity::{self, IdentityError},
    output::Output,
};
use crate::quorum::{PARTICIPANTS_MAX, PARTICIPANTS_MIN, quorum};
use commonware_cryptography::{
    Hasher, Sha256,
    bls12381::{
        dkg::feldman_desmedt::{Info, Reveal, SignedDealerLog},
        primitives::{sharing::Mode, variant::MinSig},
    },
    ed25519::PublicKey,
};
use commonware_utils::{N3f1, ordered::Set};
use std::{fmt, num::NonZeroU32};

/// Domain of everything signed in a ceremony; the ledger's id follows it.
const NAMESPACE: &[u8] = b"assay/v1/dkg";

/// Why a ceremony can't be held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyError {
    /// Fewer players than [`PARTICIPANTS_MIN`] or more than [`PARTICIPANTS_MAX`].
    #[error("a ceremony has {PARTICIPANTS_MIN} to {PARTICIPANTS_MAX} players, not {0}")]
    Players(usize),
    /// Too many dealers, or too few: a new key needs [`PARTICIPANTS_MIN`], a reshare the previous
    /// committee's quorum.
    #[error("{got} dealers, this ceremony takes {min} to {PARTICIPANTS_MAX}")]
    Dealers {
        /// Dealers given.
        got: usize,
        /// Fewest dealers.
        min: usize,
    },
    /// A participant was listed twice.
    #[error("a participant is listed twice")]
    Duplicate,
    /// A participant's key is not one.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A dealer of a reshare held no share of the previous key.
    #[error("a dealer of a reshare was not a player of the previous ceremony")]
    DealerWithoutShare,
    /// The previous output doesn't fit this scheme.
    #[error("the previous output can't be reshared: {0}")]
    Previous(String),
}

/// One round of key generation or resharing: who deals, who receives, and under which number.
///
/// All participants must build it from the same facts; anything signed in another ceremony is
/// worth nothing in this one.
#[derive(Clone)]
pub struct Ceremony {
    info: Info<MinSig, PublicKey>,
    id: [u8; 32],
    dealers: Vec<[u8; 32]>,
    players: Vec<[u8; 32]>,
    previous: Option<Output>,
}

impl Ceremony {
    /// Describes a ceremony. The order of `dealers` and `players` doesn't matter.
    ///
    /// `round` must never repeat on a ledger, not even after a failed ceremony. With `previous`
    /// the key is reshared, and the dealers must be players of that output; without, a new key
    /// is generated.
    ///
    /// # Errors
    /// [`CeremonyError`] names the rule that is broken.
    pub fn new(
        ledger_id: &[u8; 32],
        round: u64,
        dealers: &[[u8; 32]],
        players: &[[u8; 32]],
        previous: Option<&Output>,
    ) -> Result<Self, CeremonyError> {
        if !(PARTICIPANTS_MIN..=PARTICIPANTS_MAX).contains(&players.len()) {
            return Err(CeremonyError::Players(players.len()));
        }
        let min = previous.map_or(PARTICIPANTS_MIN, |previous| previous.sharing().required());
        if !(min..=PARTICIPANTS_MAX).contains(&dealers.len()) {
            return Err(CeremonyError::Dealers { got: dealers.len(), min });
        }
        let dealers = participants(dealers)?;
        let players = participants(players)?;
        if let Some(previous) = previous {
            let held = previous.inner().players();
            if dealers.iter().any(|dealer| held.position(dealer).is_none()) {
                return Err(CeremonyError::DealerWithoutShare);
            }
        }
        let dealer_bytes = identity::all_to_bytes(&dealers);
        let player_bytes = identity::all_to_bytes(&players);
        let id = ceremony_id(ledger_id, round, &dealer_bytes, &player_bytes, previous);
        let info = Info::new::<N3f1>(
            &[NAMESPACE, ledger_id].concat(),
            round,
            previous.map(|previous| previous.inner().clone()),
            Mode::NonZeroCounter,
            Reveal::V1,
            dealers,
            players,
        )
        .map_err(|error| CeremonyError::Previous(error.to_string()))?;
        Ok(Self {
            info,
            id,
            dealers: dealer_bytes,
            players: player_bytes,
            previous: previous.cloned(),
        })
    }

    /// SHA-256 over everything that defines this ceremony.
    #[must_use]
    pub const fn id(&self) -> [u8; 32] {
        self.id
    }

    /// The number of this round.
    #[must_use]
    pub const fn round(&self) -> u64 {
        self.info.round()
    }

    /// The dealers, ascending.
    #[must_use]
    pub fn dealers(&self) -> &[[u8; 32]] {
        &self.dealers
    }

    /// The players, ascending; a player's place is the index of its share.
    #[must_use]
    pub fn players(&self) -> &[[u8; 32]] {
        &self.players
    }

    /// The output being reshared, if any.
    #[must_use]
    pub const fn previous(&self) -> Option<&Output> {
        self.previous.as_ref()
    }

    /// The index of a player's share.
    #[must_use]
    pub fn player_index(&self, player: &[u8; 32]) -> Option<u16> {
        self.players.binary_search(player).ok().and_then(|index| u16::try_from(index).ok())
    }

    /// Usable logs that decide the ceremony: the dealers' quorum, and in a reshare at least the
    /// previous committee's.
    #[must_use]
    pub fn required_logs(&self) -> usize {
        let previous = self.previous.as_ref().map_or(0, |previous| previous.sharing().required());
        quorum(self.dealers.len()).max(previous)
    }

    /// Upper bound of a signed log of this ceremony, in bytes.
    #[must_use]
    pub fn log_bytes_max(&self) -> usize {
        SignedDealerLog::<MinSig, PublicKey>::max_encode_size(self.players_limit())
    }

    /// What binds a sealed dealing to its place: the ceremony's id, dealer and player.
    #[must_use]
    pub fn dealing_context(&self, dealer: &[u8; 32], player: &[u8; 32]) -> Vec<u8> {
        [self.id.as_slice(), dealer, player].concat()
    }

    /// The number of players as the codec's bound.
    pub(crate) fn players_limit(&self) -> NonZeroU32 {
        u32::try_from(self.players.len())
            .ok()
            .and_then(NonZeroU32::new)
            .unwrap_or_else(|| unreachable!("4 to 128 players were checked"))
    }

    pub(crate) const fn info(&self) -> &Info<MinSig, PublicKey> {
        &self.info
    }
}

impl fmt::Debug for Ceremony {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ceremony { id: ")?;
        crate::hex::write(formatter, &self.id)?;
        write!(
            formatter,
            ", round: {}, dealers: {}, players: {}, reshare: {} }}",
            self.round(),
            self.dealers.len(),
            self.players.len(),
            self.previous.is_some()
        )
    }
}

/// Decodes participants' keys into an ordered set.
fn participants(keys: &[[u8; 32]]) -> Result<Set<PublicKey>, CeremonyError> {
    let keys = keys.iter().map(identity::public).collect::<Result<Vec<_>, _>>()?;
    Set::try_from(keys).map_err(|_| CeremonyError::Duplicate)
}

/// Hashes everything that defines a ceremony; every part has a fixed or a written length.
fn ceremony_id(
    ledger_id: &[u8; 32],
    round: u64,
    dealers: &[[u8; 32]],
    players: &[[u8; 32]],
    previous: Option<&Output>,
) -> [u8; 32] {
    let dealers_count = (dealers.len() as u64).to_be_bytes();
    let players_count = (players.len() as u64).to_be_bytes();
    let previous = previous.map_or_else(Vec::new, Output::to_bytes);
    let digest = Sha256::hash(&[
        NAMESPACE,
        ledger_id,
        &round.to_be_bytes(),
        &dealers_count,
        dealers.as_flattened(),
        &players_count,
        players.as_flattened(),
        &previous,
    ]);
    let mut id = [0; 32];
    for (to, from) in id.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    id
}
