//! Dealers' signed logs, and what follows from them.

use super::{ceremony::Ceremony, identity, output::Output};
use crate::random;
use commonware_codec::{Copying, Decode, Encode};
use commonware_cryptography::{
    bls12381::{
        dkg::feldman_desmedt::{self, DealerLog, DealerLogSummary, Failure, Logs, SignedDealerLog},
        primitives::variant::MinSig,
    },
    ed25519::PublicKey,
};
use commonware_parallel::Sequential;
use commonware_utils::N3f1;
use rand_core::CryptoRng;
use std::collections::BTreeMap;

/// What a usable log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSummary {
    /// The dealer that signed it.
    pub dealer: [u8; 32],
    /// Players that acknowledged their dealing, ascending.
    pub acknowledged: Vec<[u8; 32]>,
    /// Players whose dealing is revealed, ascending.
    pub revealed: Vec<[u8; 32]>,
}

/// Why a log is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Longer than any log of this ceremony.
    #[error("a log of this ceremony has at most {max} bytes, got {got}")]
    TooLong {
        /// Bytes given.
        got: usize,
        /// [`Ceremony::log_bytes_max`].
        max: usize,
    },
    /// Not a log, or not in the canonical encoding.
    #[error("log encoding is malformed: {0}")]
    Malformed(String),
    /// Signed by somebody who does not deal here.
    #[error("the log's signer is not a dealer of the ceremony")]
    NotDealer,
    /// Not signed for this ceremony by the dealer it names.
    #[error("the log is not signed for this ceremony by the dealer it names")]
    Signature,
    /// The dealer gave up: it would have had to reveal more than f shares.
    #[error("the dealer withholds its results, it would have to reveal too many shares")]
    Withheld,
    /// The dealer signed a log that breaks the rules: its own fault, provable by the log.
    #[error("the dealer signed a faulty log: {0}")]
    Fault(String),
}

/// Why a ceremony gave no key: the same for players and observers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyFailure {
    /// Too few dealers with a usable log.
    #[error("{found} usable dealer logs, {required} are needed")]
    NotEnoughLogs {
        /// Usable logs.
        found: usize,
        /// [`Ceremony::required_logs`].
        required: usize,
        /// Dealers that signed a faulty log, and its fault; ascending.
        faulty: Vec<([u8; 32], String)>,
        /// Dealers without a log, or who withheld their results; ascending.
        absent: Vec<[u8; 32]>,
    },
    /// The commitments cancel out; needs a broken discrete logarithm.
    #[error("the dealers' commitments cancel out")]
    Degenerate,
}

impl From<Failure<PublicKey>> for CeremonyFailure {
    fn from(failure: Failure<PublicKey>) -> Self {
        let Failure::InsufficientLogs { required, found, faults, unavailable } = failure;
        Self::NotEnoughLogs {
            found: found as usize,
            required: required as usize,
            faulty: faults
                .iter_pairs()
                .map(|(dealer, fault)| (identity::to_bytes(dealer), fault.to_string()))
                .collect(),
            absent: identity::all_to_bytes(&unavailable),
        }
    }
}

/// Checks one dealer's log fully: form, signature, commitment, acknowledgements and reveals.
/// Costs about one ed25519 verification for each player.
///
/// # Errors
/// [`LogError`]; the log can't contribute to the ceremony.
pub fn check_log(ceremony: &Ceremony, bytes: &[u8]) -> Result<LogSummary, LogError> {
    let (dealer, log) = open_log(ceremony, bytes)?;
    let summary = log.summary();
    let name = identity::to_bytes(&dealer);
    let mut logs = Logs::<MinSig, PublicKey, N3f1>::new(ceremony.info().clone());
    logs.record(dealer, log);
    // One log never suffices, so that this reports what is wrong with it, if anything is.
    let mut stream = random::from_parts(&[&ceremony.id(), bytes], b"check log");
    if let Err(Failure::InsufficientLogs { faults, .. }) =
        feldman_desmedt::observe(&mut stream, logs, &Sequential)
        && let Some((_, fault)) = faults.iter_pairs().next()
    {
        return Err(LogError::Fault(fault.to_string()));
    }
    match summary {
        DealerLogSummary::TooManyReveals => Err(LogError::Withheld),
        DealerLogSummary::Ok { acks, reveals } => Ok(LogSummary {
            dealer: name,
            acknowledged: identity::all_to_bytes(&acks),
            revealed: identity::all_to_bytes(&reveals),
        }),
    }
}

/// Computes a ceremony's output from the logs in ledger order, without any secret. Reaches the
/// same output, byte for byte, as [`Player::finalize`](super::Player::finalize).
///
/// Logs that are malformed, badly signed, by others than dealers, or not a dealer's first, are
/// passed over.
///
/// # Errors
/// [`CeremonyFailure`] when there is no key.
pub fn observe<L: AsRef<[u8]>>(ceremony: &Ceremony, logs: &[L]) -> Result<Output, CeremonyFailure> {
    let accepted = AcceptedLogs::collect(ceremony, logs);
    let output = feldman_desmedt::observe(
        &mut accepted.stream(ceremony),
        accepted.record(ceremony),
        &Sequential,
    )?;
    accepted.output(output)
}

/// Each dealer's first authentic log.
pub(super) struct AcceptedLogs {
    logs: BTreeMap<PublicKey, DealerLog<MinSig, PublicKey>>,
}

impl AcceptedLogs {
    /// Picks them from the logs, in ledger order.
    pub(super) fn collect<L: AsRef<[u8]>>(ceremony: &Ceremony, logs: &[L]) -> Self {
        let mut accepted = BTreeMap::new();
        for (dealer, log) in logs.iter().filter_map(|log| open_log(ceremony, log.as_ref()).ok()) {
            accepted.entry(dealer).or_insert(log);
        }
        Self { logs: accepted }
    }

    /// The form the library takes them in.
    pub(super) fn record(&self, ceremony: &Ceremony) -> Logs<MinSig, PublicKey, N3f1> {
        let mut logs = Logs::new(ceremony.info().clone());
        for (dealer, log) in &self.logs {
            logs.record(dealer.clone(), log.clone());
        }
        logs
    }

    /// Weights for batch verification, drawn from everything that is verified: the same for all,
    /// and not to be known before the logs are fixed.
    pub(super) fn stream(&self, ceremony: &Ceremony) -> impl CryptoRng + use<> {
        let encoded: Vec<_> = self.logs.values().map(Encode::encode).collect();
        let id = ceremony.id();
        let mut parts: Vec<&[u8]> = vec![&id];
        parts.extend(encoded.iter().map(AsRef::<[u8]>::as_ref));
        random::from_parts(&parts, b"verify logs")
    }

    /// Completes the library's output with the number of dealings that were revealed in it.
    pub(super) fn output(
        &self,
        output: feldman_desmedt::Output<MinSig, PublicKey>,
    ) -> Result<Output, CeremonyFailure> {
        let revealed = output
            .dealers()
            .iter()
            .filter_map(|dealer| self.logs.get(dealer))
            .map(|log| match log.summary() {
                DealerLogSummary::Ok { reveals, .. } => reveals.len(),
                DealerLogSummary::TooManyReveals => 0,
            })
            .sum();
        Output::from_inner(output, revealed).map_err(|_| CeremonyFailure::Degenerate)
    }
}

/// Decodes a log and checks its signature.
fn open_log(
    ceremony: &Ceremony,
    bytes: &[u8],
) -> Result<(PublicKey, DealerLog<MinSig, PublicKey>), LogError> {
    let (got, max) = (bytes.len(), ceremony.log_bytes_max());
    if got > max {
        return Err(LogError::TooLong { got, max });
    }
    let signed =
        SignedDealerLog::<MinSig, PublicKey>::decode_cfg(Copying(bytes), &ceremony.players_limit())
            .map_err(|error| LogError::Malformed(error.to_string()))?;
    if signed.encode().as_ref() != bytes {
        return Err(LogError::Malformed("not the canonical encoding".into()));
    }
    // The named dealer comes first in the encoding.
    let named = bytes.first_chunk::<32>().ok_or(LogError::NotDealer)?;
    if ceremony.dealers().binary_search(named).is_err() {
        return Err(LogError::NotDealer);
    }
    signed.check(ceremony.info()).ok_or(LogError::Signature)
}
