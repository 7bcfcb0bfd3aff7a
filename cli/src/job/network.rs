use std::path::{Path, PathBuf};

use bindings::{
    deploy::Deployment,
    rpc::{Limits, Rpc},
};
use clap::Args;
use eyre::{Result, bail, eyre};

use crate::{client::NodeClient, devnet::Summary, files};

/// Which network a command is about: a devnet's folder, or its parts.
#[derive(Args)]
pub(crate) struct Network {
    /// Folder of a running devnet; stands for all other options about the network
    #[arg(long, value_name = "DIR", conflicts_with_all = ["deployment", "rpc", "node"])]
    devnet: Option<PathBuf>,
    /// Where the contracts are
    #[arg(long, value_name = "FILE", requires = "rpc")]
    deployment: Option<PathBuf>,
    /// An endpoint of the chain
    #[arg(long, value_name = "URL", requires = "deployment")]
    rpc: Option<String>,
    /// A node's API
    #[arg(long, value_name = "URL")]
    node: Option<String>,
}

/// A network's parts, ready to be asked.
pub(crate) struct Connected {
    pub(crate) deployment: Deployment,
    pub(crate) rpc: Rpc,
    pub(crate) node: Option<NodeClient>,
    pub(crate) devnet: Option<Summary>,
}

impl Network {
    /// Reads the files. No request is made.
    pub(crate) fn connect(&self) -> Result<Connected> {
        if let Some(dir) = &self.devnet {
            return Self::connect_devnet(dir);
        }
        let (Some(deployment), Some(rpc)) = (&self.deployment, &self.rpc) else {
            bail!("name the network: --devnet DIR, or --deployment FILE and --rpc URL");
        };
        Ok(Connected {
            deployment: files::read_json(deployment)?,
            rpc: Rpc::new(rpc, 0, Limits::default())?,
            node: self.node.as_deref().map(NodeClient::new).transpose()?,
            devnet: None,
        })
    }

    fn connect_devnet(dir: &Path) -> Result<Connected> {
        let summary: Summary = files::read_json(&dir.join("devnet.json")).map_err(|error| {
            error.wrap_err("no running devnet; start one with `assay devnet --dir`")
        })?;
        let first = summary.operators.first();
        let first = first.ok_or_else(|| eyre!("the devnet has no operator"))?;
        Ok(Connected {
            deployment: summary.deployment,
            rpc: Rpc::new(&summary.rpc_url, 0, Limits::default())?,
            node: Some(NodeClient::new(&first.api)?),
            devnet: Some(summary),
        })
    }
}

impl Connected {
    /// The node's API.
    pub(crate) fn node(&self) -> Result<&NodeClient> {
        self.node.as_ref().ok_or_else(|| eyre!("name a node's API with --node URL"))
    }
}
