//! What the process takes of its machine, and what is left.

use std::{fmt, path::PathBuf};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::sample::Samples;
use crate::resources;

/// Asks the system.
#[derive(Debug)]
pub(super) struct ResourceCollector {
    /// The node's data.
    pub(super) data_dir: PathBuf,
    /// Unix seconds.
    pub(super) started: u64,
}

impl Collector for ResourceCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut samples = Samples(encoder);
        samples.gauge("start_time_seconds", "When the node started, unix seconds", self.started)?;
        samples.gauges(
            "build_info",
            "1, with the version",
            [(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1)],
        )?;
        if let Ok(disk) = resources::disk(&self.data_dir) {
            samples.gauge("disk_free_bytes", "Room for the node's data", disk.free_bytes)?;
            samples.gauge("disk_size_bytes", "Size of the data's file system", disk.size_bytes)?;
        }
        samples.gauge(
            "data_bytes",
            "Size of the node's data",
            resources::size(&self.data_dir).unwrap_or(0),
        )?;
        if let Some(files) = resources::open_files() {
            samples.gauge("open_files", "Files and sockets that are open", files)?;
        }
        if let Some(limit) = resources::open_files_max() {
            samples.gauge("open_files_max", "Files and sockets that may be open", limit)?;
        }
        if let Some(bytes) = resources::resident_bytes() {
            samples.gauge("resident_bytes", "Memory in use", bytes)?;
        }
        Ok(())
    }
}
