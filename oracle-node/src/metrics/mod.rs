//! What the node counts, in the OpenMetrics text form that Prometheus reads.
//!
//! A file for each concern. What happens is counted where it happens, by [`Metrics`]; what the
//! node *is* (height, peers, chains) is read when somebody asks, by collectors.

mod chains;
mod host;
mod members;
mod peers;
mod resources;
mod sample;
mod status;
mod work;

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::registry::Registry;
use protocol::{genesis::Genesis, ids::OperatorIndex};
use tokio::sync::watch;

use self::{
    host::HostCollector, peers::PeersCollector, resources::ResourceCollector,
    status::StatusCollector,
};
use crate::{config::NodeConfig, views::View};

pub(crate) use self::{chains::Chains, members::Members, work::Work};

/// The media type of [`Metrics::text`].
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every name begins with it.
const PREFIX: &str = "assay";

/// Everything that the node counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// What it has done.
    pub(crate) work: Work,
    /// What each member did.
    pub(crate) members: Members,
    /// Money and settlement.
    pub(crate) chains: Chains,
}

/// What metrics are read from, and named by.
pub struct Sources<'a> {
    /// The node as it is now.
    pub view: watch::Receiver<Arc<View>>,
    /// Consensus and the network.
    pub host: ::host::Host,
    /// The committee.
    pub genesis: &'a Genesis,
    /// Whose node this is.
    pub me: OperatorIndex,
    /// Chains, folder, marks.
    pub config: &'a NodeConfig,
}

impl Metrics {
    /// Counters at zero, and collectors of what the sources show.
    pub fn new(sources: Sources<'_>) -> Self {
        let Sources { view, host, genesis, me, config } = sources;
        let mut registry = Registry::with_prefix(PREFIX);
        let work = Work::register(&mut registry);
        let members = Members::register(&mut registry, genesis, me);
        let chain_ids: Vec<u64> = config.chains.iter().map(|chain| chain.chain_id).collect();
        let low = config.submitter.policy.balance_low_wei;
        let chains = Chains::register(&mut registry, &chain_ids, low);
        registry.register_collector(Box::new(StatusCollector { view, me }));
        registry.register_collector(Box::new(PeersCollector(host.clone())));
        registry.register_collector(Box::new(HostCollector(host)));
        let started = SystemTime::now().duration_since(UNIX_EPOCH);
        registry.register_collector(Box::new(ResourceCollector {
            data_dir: config.data_dir.clone(),
            started: started.map_or(0, |time| time.as_secs()),
        }));
        Self { registry, work, members, chains }
    }

    /// Everything, as Prometheus reads it.
    ///
    /// # Errors
    /// When a value has no form in the text, which is a bug of the metric.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
