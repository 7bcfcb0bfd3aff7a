//! A file's digest beside those of nodes that run.

use audit::Report;
use eyre::{Context as _, Result, eyre};
use oracle_node::{api::Block, views::Status};
use protocol::block::Block as Body;
use serde::Serialize;

use crate::client::NodeClient;

/// A node, as it was when the audit began.
pub(super) struct Node {
    client: NodeClient,
    status: Status,
}

/// How a node compares.
#[derive(Serialize)]
pub(super) struct Compared {
    /// Its API.
    pub(super) node: String,
    /// The height at which digests were compared.
    pub(super) height: u64,
    /// Whether they are equal.
    pub(super) equal: bool,
    /// In words.
    pub(super) what: String,
}

impl Node {
    pub(super) async fn ask(url: &str) -> Result<Self> {
        let client = NodeClient::new(url)?;
        let status = client.status().await?;
        Ok(Self { client, status })
    }

    /// The height whose digest the node states.
    pub(super) fn height(&self) -> u64 {
        self.status.height
    }

    /// Compares at the last height that both have: the node's own, or the file's last one, whose
    /// digest the node's next block carries.
    pub(super) async fn compare(&self, report: &Report) -> Result<Compared> {
        let node = self.client.base().to_owned();
        let (tip, theirs) = (report.height, &self.status);
        if theirs.ledger_id != report.ledger_id {
            let what = format!("the node runs ledger {}", theirs.ledger_id);
            return Ok(Compared { node, height: 0, equal: false, what });
        }
        let (height, ours, their_digest) = if theirs.height > tip {
            (tip, Some(report.state_digest), self.digest_before(tip.saturating_add(1)).await?)
        } else if theirs.height == tip {
            (tip, Some(report.state_digest), theirs.state_digest)
        } else {
            let ours = report.watched.get(&theirs.height).map(|(digest, _)| *digest);
            (theirs.height, ours, theirs.state_digest)
        };
        let equal = ours == Some(their_digest);
        let what = match ours {
            Some(_) if equal => format!("same state digest at height {height}"),
            Some(ours) => {
                format!("at height {height} the node has state digest {their_digest}, not {ours}")
            }
            None => format!("the audit did not come to the node's height {height}"),
        };
        Ok(Compared { node, height, equal, what })
    }

    async fn digest_before(&self, height: u64) -> Result<alloy_primitives::B256> {
        let block: Block = self.client.required(&format!("/v1/blocks/{height}")).await?;
        let body = alloy_primitives::hex::decode(&block.body).wrap_err("block body")?;
        let body = Body::decode(&body).map_err(|error| eyre!("block {height}: {error}"))?;
        Ok(body.state_digest)
    }
}
