use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use alloy_primitives::B256;

use crate::groth16_bn254::Groth16Bn254;
use crate::{Code, Context, Item, KeySource, Kind, Verdict, Verifier};

/// Verifiers by selector. Nothing outside it matches on a kind.
#[derive(Clone, Default)]
pub struct Registry {
    verifiers: BTreeMap<Kind, Arc<dyn Verifier>>,
}

/// Two verifiers claim one selector.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("kind {kind} ({name}) is registered already: register each verifier once")]
pub struct DuplicateKind {
    /// The selector.
    pub kind: Kind,
    /// Name of the verifier that came second.
    pub name: &'static str,
}

impl Registry {
    /// A registry of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A registry of every kind of this release, with verifying keys from `keys`.
    pub fn standard(keys: Arc<dyn KeySource>) -> Self {
        let groth16 = Groth16Bn254::new(keys);
        Self { verifiers: BTreeMap::from([(groth16.kind(), Arc::new(groth16) as _)]) }
    }

    /// Adds a verifier.
    pub fn register(&mut self, verifier: Arc<dyn Verifier>) -> Result<(), DuplicateKind> {
        let (kind, name) = (verifier.kind(), verifier.name());
        if self.verifiers.contains_key(&kind) {
            return Err(DuplicateKind { kind, name });
        }
        self.verifiers.insert(kind, verifier);
        Ok(())
    }

    /// The verifier of a kind.
    pub fn get(&self, kind: Kind) -> Option<&Arc<dyn Verifier>> {
        self.verifiers.get(&kind)
    }

    /// Kinds and names, ascending by selector.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, &'static str)> + '_ {
        self.verifiers.iter().map(|(kind, verifier)| (*kind, verifier.name()))
    }

    /// [`Verifier::keys_needed`] of the kind; empty for an unknown one.
    pub fn keys_needed(&self, kind: Kind, statement: &[u8]) -> Vec<B256> {
        self.get(kind).map_or_else(Vec::new, |verifier| verifier.keys_needed(statement))
    }

    /// Judges one response; an unknown kind is inconclusive.
    pub fn verify(
        &self,
        kind: Kind,
        context: &Context,
        statement: &[u8],
        response: &[&[u8]],
    ) -> Verdict {
        self.get(kind).map_or(Verdict::Inconclusive { code: Code::KindUnknown }, |verifier| {
            verifier.verify(context, statement, response)
        })
    }

    /// Judges many responses of one kind, in order.
    pub fn verify_batch(&self, kind: Kind, items: &[Item<'_>]) -> Vec<Verdict> {
        match self.get(kind) {
            Some(verifier) => verifier.verify_batch(items),
            None => vec![Verdict::Inconclusive { code: Code::KindUnknown }; items.len()],
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.kinds()).finish()
    }
}
