//! The node as its API shows it.

use std::{fmt, sync::Arc};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use tokio::sync::watch;

use super::sample::Samples;
use crate::views::View;

/// Reads the view.
#[derive(Debug)]
pub(super) struct StatusCollector(pub(super) watch::Receiver<Arc<View>>);

impl Collector for StatusCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let view = Arc::clone(&self.0.borrow());
        let status = &view.status;
        let mut samples = Samples(encoder);
        samples.gauge("height", "Last decided height", status.height)?;
        samples.gauge("ledger_time_ms", "Ledger time, unix milliseconds", status.ledger_time_ms)?;
        samples.gauge("open_jobs", "Jobs between opening and conclusion", status.open_jobs)?;
        samples.gauge(
            "has_share",
            "1 with a share of the group key",
            u64::from(status.has_share),
        )?;
        let chain = |id: u64| vec![("chain_id", id.to_string())];
        samples.gauges(
            "chain_finalized",
            "Last final block that was read",
            status.chains.iter().map(|it| (chain(it.chain_id), it.finalized)),
        )
    }
}
