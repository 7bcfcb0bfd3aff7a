use alloy_primitives::B256;
use eyre::{Context as _, Result, bail, eyre};
use serde_json::Value;
use tokio::process::Command;

use crate::devnet::Devnet;

/// What an audit of an exported ledger came to.
#[derive(Clone, Debug)]
pub struct Audited {
    /// The state digest that it derived.
    pub state_digest: B256,
    /// All of what `assay audit verify --json` tells.
    pub report: Value,
}

/// Exports the ledger up to `height` from the operator with this number, asking `others` for
/// responses that it has not, and audits the export against the chain. Both run as a person would
/// run them.
///
/// # Errors
/// When there is no such operator, the export is not complete, or something does not hold.
pub async fn audit(
    devnet: &Devnet,
    number: usize,
    others: &[usize],
    height: u64,
) -> Result<Audited> {
    let operator = |number: usize| {
        devnet.operators().get(number).ok_or_else(|| eyre!("there is no operator {number}"))
    };
    let out = devnet.dir().join(format!("{}.ndjson", operator(number)?.name()));
    let out = out.to_string_lossy().into_owned();
    let to = height.to_string();
    let mut export = vec!["audit", "export", "--out", &out, "--to", &to];
    for number in [number].iter().chain(others) {
        export.extend(["--node", operator(*number)?.client().base()]);
    }
    run(devnet, &export).await.wrap_err("audit export")?;
    let rpc = devnet.evm().url().to_owned();
    let verify = ["audit", "verify", &out, "--rpc", &rpc, "--json"];
    let told = run(devnet, &verify).await.wrap_err("audit verify")?;
    let report: Value = serde_json::from_str(&told).wrap_err("audit verify --json")?;
    let digest = report.get("state_digest").and_then(Value::as_str);
    let digest = digest.ok_or_else(|| eyre!("audit verify tells no state digest: {report}"))?;
    Ok(Audited { state_digest: digest.parse()?, report })
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
