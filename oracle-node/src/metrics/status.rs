//! The node as its API shows it.

use std::{fmt, sync::Arc};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use protocol::ids::OperatorIndex;
use tokio::sync::watch;

use super::sample::Samples;
use crate::views::{ChainStatus, MemberView, View};

/// Reads the view.
#[derive(Debug)]
pub(super) struct StatusCollector {
    /// The node as it is now.
    pub(super) view: watch::Receiver<Arc<View>>,
    /// Whose node this is.
    pub(super) me: OperatorIndex,
}

impl Collector for StatusCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let view = Arc::clone(&self.view.borrow());
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
        for (name, help, value) in [
            (
                "chain_finalized",
                "Last final block that was read",
                (|it| it.finalized) as fn(&ChainStatus) -> u64,
            ),
            ("chain_finalized_time_seconds", "Its time, unix seconds", |it| it.finalized_time),
            ("chain_head", "The head when it was read", |it| it.head),
            ("chain_healthy", "1 while the chain can be read", |it| u64::from(it.healthy)),
            (
                "chain_halted",
                "1 once a final block was replaced, until a person lifts it: nothing is signed for the chain",
                |it| u64::from(it.halted),
            ),
        ] {
            let values = status.chains.iter().map(|it| (chain(it.chain_id), value(it)));
            samples.gauges(name, help, values)?;
        }
        let member = |it: &MemberView| {
            let own = it.index == self.me.0;
            vec![("operator", it.operator.to_string()), ("own", own.to_string())]
        };
        samples.gauges(
            "member_connected",
            "1 while the operator is connected, or this node's own",
            view.members.iter().map(|it| (member(it), u64::from(it.connected))),
        )?;
        samples.gauges(
            "member_spoke_at",
            "Height of the operator's latest bundle",
            view.members.iter().map(|it| (member(it), it.spoke_at)),
        )?;
        samples.counters(
            "partials",
            "Partial signatures of the operator on what was due",
            view.members.iter().map(|it| (member(it), it.partials)),
        )
    }
}
