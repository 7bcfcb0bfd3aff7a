//! Key generation without a dealer, and resharing, over an ordered ledger.
//!
//! Joint-Feldman key generation (GJKR99) and Desmedt's resharing, as
//! `commonware_cryptography::bls12381::dkg::feldman_desmedt` implements them, behind state
//! machines that take and give bytes. One ceremony:
//!
//! 1. Everybody builds the same [`Ceremony`] from facts on the ledger.
//! 2. Each dealer calls [`Dealer::start`], sends `public` and, sealed, `private` to each player.
//! 3. Each player stores a dealing, feeds it to [`Player::receive_dealing`], and returns the
//!    acknowledgement. A player that gets a bad share returns none.
//! 4. The dealer collects acknowledgements and calls [`Dealer::finalize`]: a signed log with an
//!    acknowledgement, or else the revealed share, for every player. Logs go on the ledger.
//! 5. When the ledger closes the ceremony, players call [`Player::finalize`] with the logs in
//!    ledger order and get the [`Output`] and their share; all others call [`observe`] and get
//!    the same output, byte for byte.
//!
//! What holds, with at most f = ⌊(n−1)/3⌋ faulty among dealers and among players:
//! - The key needs exactly q = n − f shares, for every n; every accepted commitment has degree
//!   q − 1.
//! - A log is usable only if it accounts for every player and reveals at most f shares. So at
//!   least n − f players hold, or can read, a share that they checked; this is also what proves
//!   that the dealer knows its polynomial: no further proof of possession is needed.
//! - Exactly [`Ceremony::required_logs`] usable logs decide, those of the dealers with the lowest
//!   keys; a stalled dealer is left out, and named when too few remain.
//! - A reshare's dealers are bound to their old shares, so the key stays.
//! - Of one dealer's logs the first in ledger order counts.
//!
//! A player's index is its place among the players in ascending order of their keys, from 0.
//!
//! After a crash: [`Dealer::start`] with the same seed gives the same messages, and a new
//! [`Player`] fed the stored dealings gives the same acknowledgements. A dealing must be on disk
//! before its acknowledgement is sent, or the share may be lost.

mod ceremony;
mod dealer;
pub(crate) mod identity;
mod log;
mod output;
mod player;

pub use ceremony::{Ceremony, CeremonyError};
pub use dealer::{AckError, Dealer, DealerMessages, StartError};
pub use identity::{IdentityError, public_identity};
pub use log::{CeremonyFailure, LogError, LogSummary, check_log, observe};
pub use output::{Output, OutputError};
pub use player::{DealingError, FinalizeError, Player};
