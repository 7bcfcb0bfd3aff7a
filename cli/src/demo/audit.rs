use alloy_primitives::B256;
use eyre::{Context as _, Result, bail, eyre};
use tokio::process::Command;

use crate::devnet::Devnet;

/// Exports the ledger up to `height` from an operator, audits the export against the chain, and
/// gives the state digest that the audit came to. Both run as a person would run them.
pub(super) async fn audit(devnet: &Devnet, height: u64) -> Result<B256> {
    let operator = devnet.operators().first().ok_or_else(|| eyre!("no operators"))?;
    let out = devnet.dir().join("ledger.ndjson");
    let out = out.to_string_lossy().into_owned();
    let node = operator.client().base().to_owned();
    let to = height.to_string();
    let export = ["audit", "export", "--node", &node, "--out", &out, "--to", &to];
    run(devnet, &export).await.wrap_err("audit export")?;
    let rpc = devnet.evm().url().to_owned();
    let verify = ["audit", "verify", &out, "--rpc", &rpc, "--json"];
    let told = run(devnet, &verify).await.wrap_err("audit verify")?;
    let told: serde_json::Value = serde_json::from_str(&told).wrap_err("audit verify --json")?;
    let digest = told.get("state_digest").and_then(serde_json::Value::as_str);
    let digest = digest.ok_or_else(|| eyre!("audit verify tells no state digest: {told}"))?;
    Ok(digest.parse()?)
}

async fn run(devnet: &Devnet, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(&devnet.options().program);
    let output = command.args(arguments).kill_on_drop(true).output().await?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{}: {}", output.status, String::from_utf8_lossy(&said));
    }
    Ok(String::from_utf8(output.stdout)?)
}
