//! INV-COMBINE: q good partial signatures make the group's, fewer make nothing, and it is one.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use protocol::{ids::OperatorIndex, subject::Subject};

use super::{Checker, Context};
use crate::trace::{Event, Record};

#[derive(Default)]
struct Subjects {
    good: BTreeSet<OperatorIndex>,
    combined: Option<B256>,
    on_ledger: bool,
}

pub(super) struct Combine {
    context: Context,
    subjects: BTreeMap<Subject, Subjects>,
}

impl Combine {
    pub(super) fn new(context: &Context) -> Self {
        Self { context: context.clone(), subjects: BTreeMap::new() }
    }
}

impl Checker for Combine {
    fn id(&self) -> &'static str {
        "INV-COMBINE"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Partial { by, subject, holds: true, .. } => {
                self.subjects.entry(*subject).or_default().good.insert(*by);
            }
            Event::Signed { subject, .. } => {
                self.subjects.entry(*subject).or_default().on_ledger = true;
            }
            Event::Combined { by, subject, holds, digest } => {
                if !holds {
                    return Err(format!(
                        "operator {by} holds a signature on {subject:?} that does not verify"
                    ));
                }
                let q = self.context.quorums.q;
                let of = self.subjects.entry(*subject).or_default();
                // Its own needs not to have left it.
                let good = of.good.len() + usize::from(!of.good.contains(by));
                if good < q && !of.on_ledger {
                    return Err(format!(
                        "operator {by} signed {subject:?} with {good} good partial signatures, {q} are needed"
                    ));
                }
                let first = *of.combined.get_or_insert(*digest);
                if first != *digest {
                    return Err(format!("{subject:?} has two signatures: {first} and {digest}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
