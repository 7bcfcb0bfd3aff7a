//! A modelled provider, and the modelled proof: a response is valid if it repeats the seed.

use alloy_primitives::B256;
use operator::{Judged, VerifyTask};
use protocol::{
    bytes,
    ecdsa::Signer,
    ids::JobId,
    ledger::Ledger,
    outcome::Verdict,
    response::{SignedResponse, response_hash},
};

/// What a provider does with a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behaviour {
    /// Answers with the seed.
    Honest,
    /// Answers with something else.
    Wrong,
    /// Never answers.
    Silent,
    /// Sends one answer to some operators, and another to the rest.
    Equivocating,
}

/// The reason code of a response that does not repeat the seed.
pub const WRONG_SEED: u16 = 1;

/// The answers to a challenge; the n-th operator is sent the answer n modulo their number.
pub fn answers(
    signer: &Signer,
    behaviour: Behaviour,
    ledger: &Ledger,
    job: JobId,
    seed: B256,
) -> Vec<SignedResponse> {
    let bodies = match behaviour {
        Behaviour::Honest => vec![seed.to_vec()],
        Behaviour::Wrong => vec![vec![0; 32]],
        Behaviour::Silent => vec![],
        Behaviour::Equivocating => vec![seed.to_vec(), vec![0; 32]],
    };
    let Some(hub) = ledger.genesis().hubs.first() else { return Vec::new() };
    bodies
        .into_iter()
        .map(|body| {
            let parts = vec![body];
            let digest = bytes::response_digest(
                ledger.state().ledger_id,
                hub.address(),
                job,
                seed,
                response_hash(&parts),
            );
            SignedResponse { job, parts, signature: signer.sign(digest) }
        })
        .collect()
}

/// The modelled verifier.
pub fn verify(task: &VerifyTask) -> Judged {
    let holds = task.parts.iter().flatten().eq(task.seed.iter());
    Judged {
        verdict: if holds { Verdict::Valid } else { Verdict::Invalid },
        code: if holds { 0 } else { WRONG_SEED },
        value: u128::from(holds),
        reported: B256::ZERO,
    }
}
