//! One conclusion, judged again from what it rests on.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy_primitives::{B256, Bytes, keccak256};
use proofs::{Code, Context, KeySource, Kind, Registry};
use protocol::{
    bytes,
    outcome::{Judgement, Verdict},
    response::{SignedResponse, verify_response_signature},
};

use crate::conclusion::Conclusion;

/// Keys that the statement of a kind names, by the id that a `key` record must hash to.
pub fn keys_needed(kind: [u8; 4], statement: &[u8]) -> Vec<B256> {
    Registry::standard(Arc::new(BTreeMap::new())).keys_needed(Kind(kind), statement)
}

/// The keys of the job at hand.
#[derive(Debug, Default)]
struct Held(Mutex<BTreeMap<B256, Bytes>>);

impl KeySource for Held {
    fn key(&self, id: &B256) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// What a conclusion rests on, as far as the file has it.
#[derive(Debug, Default)]
pub(crate) struct Material {
    pub(crate) statement: Option<Bytes>,
    pub(crate) keys: BTreeMap<B256, Bytes>,
    pub(crate) response: Option<SignedResponse>,
}

/// What came of judging again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// The same judgement.
    Same,
    /// Another one.
    Other(Judgement),
    /// Something is missing.
    Missing(&'static str),
}

/// The verifiers of this release; prepared keys stay between jobs.
pub(crate) struct Judge {
    registry: Registry,
    keys: Arc<Held>,
}

impl Judge {
    pub(crate) fn new() -> Self {
        let keys = Arc::new(Held::default());
        Self { registry: Registry::standard(keys.clone()), keys }
    }

    /// Judges the response of a job that members concluded.
    pub(crate) fn judge(&self, conclusion: &Conclusion, material: Material) -> Judged {
        let Some(statement) = material.statement else { return Judged::Missing("statement") };
        let Some(response) = material.response else { return Judged::Missing("response") };
        let descriptor = &conclusion.descriptor;
        let kind = Kind(descriptor.kind);
        let concluded = conclusion.outcome.judgement;
        let needed = self.registry.keys_needed(kind, &statement);
        let registered = concluded.code != Code::KeyUnknown.number();
        if registered && needed.iter().any(|id| !material.keys.contains_key(id)) {
            return Judged::Missing("verifying key");
        }
        *self.keys.0.lock().unwrap_or_else(PoisonError::into_inner) = material.keys;
        let context = Context {
            chain_id: conclusion.hub.chain_id,
            hub: conclusion.hub.hub,
            job_id: conclusion.outcome.job.0,
            provider: descriptor.provider,
            seed: conclusion.seed,
            ledger_time_ms: conclusion.answered_at.0,
        };
        let parts: Vec<&[u8]> = response.parts.iter().map(Vec::as_slice).collect();
        let verdict = self.registry.verify(kind, &context, &statement, &parts);
        let judgement = Judgement {
            verdict: Verdict::from_u8(verdict.number()).unwrap_or(Verdict::Inconclusive),
            code: verdict.code_number(),
            value: verdict.value(),
            evidence: bytes::evidence(
                conclusion.seed,
                descriptor.statement_hash,
                conclusion.response,
                verdict.reported_hash(),
            ),
        };
        if judgement == concluded { Judged::Same } else { Judged::Other(judgement) }
    }
}

impl Material {
    /// Takes a statement.
    pub(crate) fn put_statement(
        &mut self,
        conclusion: &Conclusion,
        statement: Bytes,
    ) -> Result<(), String> {
        if self.statement.is_some() || !self.keys.is_empty() || self.response.is_some() {
            return Err("the statement does not come first, or comes twice".into());
        }
        let (is, expected) = (keccak256(&statement), conclusion.descriptor.statement_hash);
        if is != expected {
            return Err(format!("the statement hashes to {is}, the job is about {expected}"));
        }
        self.statement = Some(statement);
        Ok(())
    }

    /// Takes a key that the statement names.
    pub(crate) fn put_key(&mut self, conclusion: &Conclusion, key: Bytes) -> Result<(), String> {
        let Some(statement) = &self.statement else {
            return Err("the key comes before the statement that names it".into());
        };
        if self.response.is_some() {
            return Err("the key comes after the response".into());
        }
        let id = keccak256(&key);
        if !keys_needed(conclusion.descriptor.kind, statement).contains(&id) {
            return Err(format!("the key hashes to {id}, which the statement does not name"));
        }
        match self.keys.insert(id, key) {
            None => Ok(()),
            Some(_) => Err("the key comes twice".into()),
        }
    }

    /// Takes a response.
    pub(crate) fn put_response(
        &mut self,
        ledger: B256,
        conclusion: &Conclusion,
        body: &[u8],
    ) -> Result<(), String> {
        if self.response.is_some() {
            return Err("the response comes twice".into());
        }
        let response = SignedResponse::decode(body).map_err(|error| error.to_string())?;
        let job = conclusion.outcome.job;
        if response.job != job {
            return Err(format!("the response answers job {}", response.job));
        }
        let hash = response.hash();
        if hash != conclusion.response {
            let expected = conclusion.response;
            return Err(format!("the response hashes to {hash}, the ledger fixed {expected}"));
        }
        verify_response_signature(
            ledger,
            conclusion.hub,
            job,
            conclusion.seed,
            hash,
            &response.signature,
            conclusion.descriptor.provider,
        )
        .map_err(|error| error.to_string())?;
        self.response = Some(response);
        Ok(())
    }
}
