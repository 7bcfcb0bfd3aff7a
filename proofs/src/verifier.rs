use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};

use crate::{Context, Kind, Verdict};

/// One verification of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// What the verification is about.
    pub context: &'a Context,
    /// Kind-specific, ABI-encoded, fixed on chain when the job was created.
    pub statement: &'a [u8],
    /// The response's parts, in order.
    pub response: &'a [&'a [u8]],
}

/// Judges one proof kind. Implementations are pure: the same arguments and the same
/// [`KeySource`] give the same verdict, on every machine, alone or in a batch.
pub trait Verifier: Send + Sync {
    /// The kind's name, such as `groth16-bn254`.
    fn name(&self) -> &'static str;

    /// The kind's selector.
    fn kind(&self) -> Kind {
        Kind::of_name(self.name())
    }

    /// Ids of the verifying keys that judging this statement takes, so that a host can
    /// fetch them first. Empty for a statement that does not decode.
    fn keys_needed(&self, statement: &[u8]) -> Vec<B256>;

    /// Judges one response.
    fn verify(&self, context: &Context, statement: &[u8], response: &[&[u8]]) -> Verdict;

    /// Judges many responses; the verdicts are those of [`Verifier::verify`], in order.
    fn verify_batch(&self, items: &[Item<'_>]) -> Vec<Verdict> {
        items.iter().map(|item| self.verify(item.context, item.statement, item.response)).collect()
    }
}

/// Verifying keys by id, as data: a host fills it from the chain's registry.
///
/// Operators agree only if their sources agree: a host must not judge a job before its
/// source holds the keys of [`Verifier::keys_needed`], or knows that none are registered.
pub trait KeySource: Send + Sync {
    /// Canonical bytes of the key registered under `id`. The verifier checks that they
    /// hash to it.
    fn key(&self, id: &B256) -> Option<Bytes>;
}

impl KeySource for BTreeMap<B256, Bytes> {
    fn key(&self, id: &B256) -> Option<Bytes> {
        self.get(id).cloned()
    }
}

impl<S: KeySource + ?Sized> KeySource for std::sync::Arc<S> {
    fn key(&self, id: &B256) -> Option<Bytes> {
        (**self).key(id)
    }
}
