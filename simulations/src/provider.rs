//! A modelled provider, and the modelled proof: a response is right if it repeats the seed.

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

use crate::scenario::Behaviour;

/// The reason code of a response that does not repeat the seed.
pub const WRONG_SEED: u16 = 1;

/// The key of every world's providers.
pub fn signer() -> Signer {
    Signer::from_secret(&[0x77; 32]).expect("a fixed key is valid")
}

/// The answers to a challenge; the n-th operator is sent the answer n modulo their number.
pub fn answers(
    ledger: &Ledger,
    behaviour: Behaviour,
    job: JobId,
    seed: B256,
) -> Vec<SignedResponse> {
    let bodies = match behaviour {
        Behaviour::Honest | Behaviour::Late => vec![seed.to_vec()],
        Behaviour::Wrong => vec![vec![0; 32]],
        Behaviour::Silent => vec![],
        Behaviour::Split => vec![seed.to_vec(), vec![0; 32]],
    };
    let Some(hub) = ledger.genesis().hubs.first() else { return Vec::new() };
    let signer = signer();
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
            let signature = ledger.signatures().sign(&signer, digest);
            SignedResponse { job, parts, signature }
        })
        .collect()
}

/// Whether a response is right.
pub fn holds(parts: &[Vec<u8>], seed: B256) -> bool {
    parts.iter().flatten().eq(seed.iter())
}

/// The modelled verifier.
pub fn verify(task: &VerifyTask) -> Judged {
    judgement(holds(&task.parts, task.seed))
}

/// What is said of a response that is right, or is not.
pub fn judgement(holds: bool) -> Judged {
    Judged {
        verdict: if holds { Verdict::Valid } else { Verdict::Invalid },
        code: if holds { 0 } else { WRONG_SEED },
        value: u128::from(holds),
        reported: B256::ZERO,
    }
}
