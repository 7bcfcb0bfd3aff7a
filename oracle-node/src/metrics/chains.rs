//! Money and settlement on each chain.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

/// Which chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfChain {
    chain_id: u64,
}

type ByChain = Family<OfChain, Gauge<f64, AtomicU64>>;

/// What the lookout found.
#[derive(Debug)]
pub(crate) struct Chains {
    balance_wei: ByChain,
    balance_low_wei: ByChain,
    submissions_affordable: ByChain,
    certificate_unsubmitted_seconds: ByChain,
}

impl Chains {
    /// Gauges that are not a number until somebody looked.
    pub(super) fn register(
        registry: &mut Registry,
        chain_ids: &[u64],
        balance_low_wei: u128,
    ) -> Self {
        let mut gauges = |name: &str, help: &str| {
            let family = ByChain::default();
            for chain_id in chain_ids {
                family.get_or_create(&OfChain { chain_id: *chain_id }).set(f64::NAN);
            }
            registry.register(name, help, family.clone());
            family
        };
        let chains = Self {
            balance_wei: gauges("balance_wei", "What the operator's account holds"),
            balance_low_wei: gauges("balance_low_wei", "The balance that the node warns below"),
            submissions_affordable: gauges(
                "submissions_affordable",
                "Submissions that the balance pays for at the present fee",
            ),
            certificate_unsubmitted_seconds: gauges(
                "certificate_unsubmitted_seconds",
                "How long a certificate has waited that the hub does not have, 0 for none",
            ),
        };
        for chain_id in chain_ids {
            set(&chains.balance_low_wei, *chain_id, balance_low_wei as f64);
        }
        chains
    }

    /// What the account holds, and for how many submissions that is enough.
    pub(crate) fn balance(&self, chain_id: u64, balance_wei: u128, submissions: u128) {
        set(&self.balance_wei, chain_id, balance_wei as f64);
        set(&self.submissions_affordable, chain_id, submissions as f64);
    }

    /// How long a certificate has been waiting.
    pub(crate) fn unsubmitted(&self, chain_id: u64, seconds: u64) {
        set(&self.certificate_unsubmitted_seconds, chain_id, seconds as f64);
    }
}

fn set(family: &ByChain, chain_id: u64, value: f64) {
    family.get_or_create(&OfChain { chain_id }).set(value);
}
