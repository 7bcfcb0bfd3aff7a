//! What a chain knows of this operator: hub, registration, balance.

use alloy_primitives::Address;
use bindings::{AttestationHub, rpc::Rpc};
use eyre::{Result, bail};
use oracle_node::{
    config::{Chain, NodeConfig},
    lookout::Purse,
};

use super::{identity::Identity, report::Report};
use crate::operator::stake::Standing;

/// Submissions that the balance should pay for at the present fee.
const SUBMISSIONS_LOW: u128 = 20;

pub(super) async fn check(
    report: &mut Report,
    config: &NodeConfig,
    chain: &Chain,
    rpc: &Rpc,
    identity: &Identity,
) {
    let of = |what: &str| format!("chain {} {what}", chain.chain_id);
    let next = "compare chains.hub with deployment.json";
    let hub = report.need(&of("hub"), hub(rpc, chain, identity).await, next);
    let Some((registry, found)) = hub else { return };
    report.ok(&of("hub"), found);
    let Some(keys) = &identity.keys else {
        return report.skipped(&of("registration"), "needs the keys");
    };
    let standing = Standing::read(rpc, registry, keys.operator).await;
    let next = "ask again, or use another endpoint";
    match report.need(&of("registration"), standing, next) {
        None => {}
        Some(None) => report.failed(
            &of("registration"),
            format_args!("{} is not registered", keys.operator),
            "use `assay operator register`",
        ),
        Some(Some(standing)) => registration(report, &of("registration"), &standing, identity),
    }
    let purse = Purse::read(rpc, keys.operator, &config.submitter.policy).await;
    if let Some(purse) = report.need(&of("balance"), purse.map_err(Into::into), next) {
        balance(report, &of("balance"), config, keys.operator, purse);
    }
}

async fn hub(rpc: &Rpc, chain: &Chain, identity: &Identity) -> Result<(Address, String)> {
    if rpc.code(chain.hub).await?.is_empty() {
        bail!("there is no contract at {}", chain.hub);
    }
    let registry = rpc.call(chain.hub, &AttestationHub::registryCall {}).await?;
    let key = rpc.call(chain.hub, &AttestationHub::groupKeyCall {}).await?;
    if key.is_empty() {
        return Ok((registry, format!("{} has no group key yet", chain.hub)));
    }
    let ledger = rpc.call(chain.hub, &AttestationHub::ledgerIdCall {}).await?;
    if let Some(genesis) = &identity.genesis
        && ledger != genesis.ledger_id()
    {
        bail!("{} is of ledger {ledger}, the genesis of {}", chain.hub, genesis.ledger_id());
    }
    Ok((registry, format!("{} has this ledger's group key", chain.hub)))
}

fn registration(report: &mut Report, check: &str, standing: &Standing, identity: &Identity) {
    let keys = identity.keys.as_ref();
    let register = "use the keys that are registered; new keys need a new registration";
    if keys.is_some_and(|keys| standing.network_key != keys.network_key) {
        return report.failed(check, "the registry has another network key", register);
    }
    if identity.consensus_point.as_ref().is_some_and(|point| *point != standing.consensus_key) {
        return report.failed(check, "the registry has another consensus key", register);
    }
    if standing.jailed {
        return report.failed(check, "jailed", "find out what it signed, before anything else");
    }
    let addresses = identity.addresses();
    let found = format!("{}, stake {}, at {}", standing.status, standing.stake, standing.endpoint);
    if standing.leaving {
        report.warning(check, found + ", leaving", "keep the node running until unbonding starts");
    } else if !addresses.contains(&standing.endpoint) {
        let found = format!("{found}; the genesis has {}", addresses.join(", "));
        report.warning(
            check,
            found,
            "others dial what the genesis says: set the registry's endpoint to it",
        );
    } else {
        report.ok(check, found);
    }
}

fn balance(report: &mut Report, check: &str, config: &NodeConfig, operator: Address, purse: Purse) {
    let Purse { balance_wei, fee_wei } = purse;
    let submissions = purse.submissions();
    let found =
        format!("{balance_wei} wei, enough for {submissions} submissions at {fee_wei} wei a gas");
    let next = format!("send ether to {operator}");
    let mark = config.submitter.policy.balance_low_wei;
    if submissions == 0 {
        report.failed(check, found, &next);
    } else if balance_wei < mark {
        report.warning(check, format_args!("{found}; below the mark of {mark}"), &next);
    } else if submissions < SUBMISSIONS_LOW {
        report.warning(check, found, &next);
    } else {
        report.ok(check, found);
    }
}
