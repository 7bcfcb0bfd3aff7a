//! What the node counts, in the OpenMetrics text form that Prometheus reads.
//!
//! A file for each concern. What happens is counted where it happens, by [`Metrics`]; what the
//! node *is* (height, peers, chains) is read when somebody asks, by collectors.

mod host;
mod sample;
mod status;
mod work;

use std::{fmt, sync::Arc};

use prometheus_client::registry::Registry;
use tokio::sync::watch;

use self::{host::HostCollector, status::StatusCollector};
use crate::views::View;

pub(crate) use self::work::Work;

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
}

impl Metrics {
    /// Counters at zero, and collectors of what `view` and `host` show.
    pub(crate) fn new(view: watch::Receiver<Arc<View>>, host: ::host::Host) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let work = Work::register(&mut registry);
        registry.register_collector(Box::new(StatusCollector(view)));
        registry.register_collector(Box::new(HostCollector(host)));
        Self { registry, work }
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
