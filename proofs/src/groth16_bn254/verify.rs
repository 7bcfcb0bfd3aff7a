use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::{B256, keccak256};

use super::cache::{KeyCache, Prepared};
use super::proof::split_response;
use super::{Input, PreparedKey, Proof, PublicInputs, Statement, VerifyingKey};
use crate::{Code, Context, Item, KeySource, Verdict, Verifier};

/// Units of work that one valid proof shows.
const VALUE_OF_VALID: u128 = 1;

/// The verifier of `groth16-bn254`.
pub struct Groth16Bn254 {
    keys: Arc<dyn KeySource>,
    cache: Mutex<KeyCache>,
}

/// A response that decodes; only its equation is open.
struct Claim {
    vk_id: B256,
    key: Arc<PreparedKey>,
    proof: Proof,
    inputs: PublicInputs,
    reported: Vec<[u8; 32]>,
}

impl Claim {
    fn conclude(self, holds: Result<(), Code>) -> Verdict {
        match holds {
            Ok(()) => Verdict::Valid { value: VALUE_OF_VALID, reported: self.reported },
            Err(code) => Verdict::Invalid { code },
        }
    }
}

impl Groth16Bn254 {
    /// The kind's name.
    pub const NAME: &'static str = "groth16-bn254";

    /// A verifier that takes its verifying keys from `keys`.
    pub fn new(keys: Arc<dyn KeySource>) -> Self {
        Self { keys, cache: Mutex::default() }
    }

    /// The key is always asked for, so that a cached one never outlives its registration.
    fn prepared_key(&self, id: &B256) -> Prepared {
        let bytes = self.keys.key(id).ok_or(Code::KeyUnknown)?;
        if keccak256(&bytes) != *id {
            return Err(Code::KeyIdMismatch);
        }
        let lock = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = lock().get(id);
        cached.unwrap_or_else(|| {
            let prepared = VerifyingKey::from_canonical(&bytes).map(|key| Arc::new(key.prepare()));
            lock().put(*id, prepared.clone());
            prepared
        })
    }

    fn claim(
        &self,
        context: &Context,
        statement: &[u8],
        response: &[&[u8]],
    ) -> Result<Claim, Verdict> {
        let (statement, key) =
            self.question(statement).map_err(|code| Verdict::Inconclusive { code })?;
        let [part] = response else {
            return Err(Verdict::Invalid { code: Code::ResponsePartCount });
        };
        let invalid = |code| Verdict::Invalid { code };
        let (proof, reported) =
            split_response(part, statement.reported_count()).map_err(invalid)?;
        Ok(Claim {
            vk_id: statement.vk_id,
            key,
            inputs: statement.public_inputs(context, &reported).map_err(invalid)?,
            proof: Proof::from_canonical(proof).map_err(invalid)?,
            reported: reported.iter().map(|number| number.to_be_bytes::<32>()).collect(),
        })
    }

    /// What the consumer answers for: the statement, its key, and that they fit.
    fn question(&self, statement: &[u8]) -> Result<(Statement, Arc<PreparedKey>), Code> {
        let statement = Statement::decode(statement)?;
        let key = self.prepared_key(&statement.vk_id)?;
        if key.input_count() != statement.inputs.len() {
            return Err(Code::StatementInputCount);
        }
        for (position, input) in statement.inputs.iter().enumerate() {
            if matches!(input, Input::Bound) && !key.uses_input(position) {
                return Err(Code::StatementBoundUnused);
            }
        }
        Ok((statement, key))
    }
}

impl Verifier for Groth16Bn254 {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn keys_needed(&self, statement: &[u8]) -> Vec<B256> {
        Statement::decode(statement).map_or_else(|_| Vec::new(), |decoded| vec![decoded.vk_id])
    }

    fn verify(&self, context: &Context, statement: &[u8], response: &[&[u8]]) -> Verdict {
        match self.claim(context, statement, response) {
            Ok(claim) => {
                let holds = claim.key.verify(&claim.proof, &claim.inputs);
                claim.conclude(holds)
            }
            Err(verdict) => verdict,
        }
    }

    fn verify_batch(&self, items: &[Item<'_>]) -> Vec<Verdict> {
        let claims: Vec<_> = items
            .iter()
            .map(|item| self.claim(item.context, item.statement, item.response))
            .collect();
        let mut by_key: BTreeMap<B256, Vec<usize>> = BTreeMap::new();
        for (index, claim) in claims.iter().enumerate() {
            if let Ok(claim) = claim {
                by_key.entry(claim.vk_id).or_default().push(index);
            }
        }
        let mut bad = vec![false; items.len()];
        for indices in by_key.values() {
            let group: Vec<_> = indices
                .iter()
                .filter_map(|index| claims.get(*index)?.as_ref().ok())
                .map(|claim| (&claim.proof, &claim.inputs))
                .collect();
            let Some(Ok(first)) = indices.first().and_then(|index| claims.get(*index)) else {
                continue;
            };
            for position in first.key.bad_items(&group) {
                if let Some(flag) = indices.get(position).and_then(|index| bad.get_mut(*index)) {
                    *flag = true;
                }
            }
        }
        (claims.into_iter().zip(bad))
            .map(|(claim, bad)| match claim {
                Ok(claim) => claim.conclude(if bad { Err(Code::ProofRejected) } else { Ok(()) }),
                Err(verdict) => verdict,
            })
            .collect()
    }
}
