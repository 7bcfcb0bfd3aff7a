//! The public result of a ceremony.

use super::{ceremony::Ceremony, identity};
use crate::{
    GroupPublicKey, Sharing, SharingError,
    quorum::{PARTICIPANTS_MAX, max_faulty},
    sharing::PARTICIPANTS_LIMIT,
};
use commonware_codec::{Copying, Decode, Encode};
use commonware_cryptography::{
    bls12381::{
        dkg::feldman_desmedt,
        primitives::{sharing::ModeVersion, variant::MinSig},
    },
    ed25519::PublicKey,
};
use std::fmt;

/// Bytes of the count before the library's encoding.
const COUNT_BYTES: usize = 4;

/// Why bytes are not a ceremony's output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// Truncated, extended, or another encoding than the canonical one.
    #[error("output encoding is malformed: {0}")]
    Malformed(String),
    /// The sharing breaks a rule of this scheme.
    #[error(transparent)]
    Sharing(#[from] SharingError),
    /// The parts contradict each other.
    #[error("output is inconsistent: {0}")]
    Inconsistent(&'static str),
}

/// What a ceremony made public: the key and its sharing, who qualified, what was revealed.
///
/// All participants and observers reach the same bytes; a ledger keeps and hashes them, and the
/// next resharing starts from them.
#[derive(Clone, PartialEq, Eq)]
pub struct Output {
    inner: feldman_desmedt::Output<MinSig, PublicKey>,
    sharing: Sharing,
    dealings_revealed: u32,
}

impl Output {
    /// Upper bound of the encoding, in bytes.
    pub const BYTES_MAX: usize =
        COUNT_BYTES + 32 + Sharing::BYTES_MAX + 3 * (8 + 32 * PARTICIPANTS_MAX);

    /// The group's public key.
    #[must_use]
    pub const fn group_key(&self) -> &GroupPublicKey {
        self.sharing.group_key()
    }

    /// The public polynomial.
    #[must_use]
    pub const fn sharing(&self) -> &Sharing {
        &self.sharing
    }

    /// The dealers whose logs were used, ascending.
    #[must_use]
    pub fn qualified_dealers(&self) -> Vec<[u8; 32]> {
        identity::all_to_bytes(self.inner.dealers())
    }

    /// The players, ascending; a player's place is the index of its share.
    #[must_use]
    pub fn players(&self) -> Vec<[u8; 32]> {
        identity::all_to_bytes(self.inner.players())
    }

    /// The index of a player's share.
    #[must_use]
    pub fn player_index(&self, player: &[u8; 32]) -> Option<u16> {
        let player = identity::public(player).ok()?;
        self.inner.players().position(&player).and_then(|index| u16::try_from(index).ok())
    }

    /// Dealings that qualified dealers revealed for lack of an acknowledgement. Above zero, the
    /// new key is safe while f holds, and should be refreshed at once.
    #[must_use]
    pub const fn dealings_revealed(&self) -> u32 {
        self.dealings_revealed
    }

    /// Players whose whole share can be computed from what was revealed, ascending: it takes the
    /// honest dealers' dealings besides those that faulty dealers know anyway.
    #[must_use]
    pub fn exposed_players(&self) -> Vec<[u8; 32]> {
        identity::all_to_bytes(self.inner.revealed())
    }

    /// The canonical encoding: revealed dealings as u32 big-endian, the ceremony's summary (32
    /// bytes), the sharing, then dealers, players and exposed players, each a varint and 32 bytes
    /// a key.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.dealings_revealed.to_be_bytes().to_vec();
        out.extend_from_slice(&self.inner.encode());
        out
    }

    /// Decodes [`Self::to_bytes`], accepting nothing but the canonical encoding.
    ///
    /// The bytes are believed: only [`observe`](super::observe) tells whether a ceremony gave
    /// them.
    ///
    /// # Errors
    /// [`OutputError`] names what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OutputError> {
        if bytes.len() > Self::BYTES_MAX {
            return Err(OutputError::Malformed(format!(
                "{} bytes, at most {}",
                bytes.len(),
                Self::BYTES_MAX
            )));
        }
        let (count, body) = bytes
            .split_first_chunk::<COUNT_BYTES>()
            .ok_or_else(|| OutputError::Malformed("too short".into()))?;
        let inner = feldman_desmedt::Output::<MinSig, PublicKey>::decode_cfg(
            Copying(body),
            &(PARTICIPANTS_LIMIT, ModeVersion::v0()),
        )
        .map_err(|error| OutputError::Malformed(error.to_string()))?;
        if inner.encode().as_ref() != body {
            return Err(OutputError::Malformed("not the canonical encoding".into()));
        }
        Self::from_inner(inner, u32::from_be_bytes(*count) as usize)
    }

    /// Whether this output has the players of the ceremony, and the key it reshares.
    #[must_use]
    pub fn fits(&self, ceremony: &Ceremony) -> bool {
        self.players() == ceremony.players()
            && ceremony.previous().is_none_or(|previous| previous.group_key() == self.group_key())
    }

    /// Wraps the library's output after checking that its parts agree.
    pub(crate) fn from_inner(
        inner: feldman_desmedt::Output<MinSig, PublicKey>,
        dealings_revealed: usize,
    ) -> Result<Self, OutputError> {
        let sharing = Sharing::from_inner(inner.public().clone())?;
        let players = inner.players();
        if players.len() != usize::from(sharing.participants()) {
            return Err(OutputError::Inconsistent("players and sharing differ in number"));
        }
        if inner.revealed().iter().any(|player| players.position(player).is_none()) {
            return Err(OutputError::Inconsistent("an exposed player is not a player"));
        }
        if dealings_revealed > inner.dealers().len() * max_faulty(players.len()) {
            return Err(OutputError::Inconsistent("more dealings revealed than a log may reveal"));
        }
        let dealings_revealed = u32::try_from(dealings_revealed)
            .map_err(|_| OutputError::Inconsistent("more dealings revealed than exist"))?;
        Ok(Self { inner, sharing, dealings_revealed })
    }

    pub(super) const fn inner(&self) -> &feldman_desmedt::Output<MinSig, PublicKey> {
        &self.inner
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Output {{ sharing: {:?}, qualified dealers: {}, dealings revealed: {} }}",
            self.sharing,
            self.inner.dealers().len(),
            self.dealings_revealed
        )
    }
}
