//! This machine's clock, against every clock that can be seen from here.
//!
//! - An endpoint's HTTP answer carries its server's time in whole seconds. With the time before and
//!   after the request that bounds the distance of the clocks from both sides.
//! - The running node knows how far it is ahead of the other members' bundles.
//! - A chain's latest block bounds it from one side: nothing comes from the future.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bindings::rpc::BlockId;
use eyre::{Context as _, Result, eyre};
use oracle_node::config::NodeConfig;

use super::{Endpoint, node::Running, report::Report};

/// A clock that is certainly further away than this is wrong, in milliseconds.
const WRONG_MS: i64 = 2_000;
/// A clock that is certainly further away than this is worth a look, in milliseconds.
const SUSPECT_MS: i64 = 1_000;
/// Blocks further in the future than this are no rounding, in milliseconds.
const AHEAD_MAX_MS: i64 = 2_000;
/// Longest time for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

const SET: &str = "set the clock: `timedatectl`, and chrony or another NTP client that runs";

/// How far this clock is ahead of another, in milliseconds: somewhere from `least` to `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ahead {
    least: i64,
    most: i64,
}

impl Ahead {
    /// From a time in whole seconds that was said between two looks at this clock.
    fn measured(said_s: i64, before_ms: i64, after_ms: i64) -> Self {
        let said = said_s.saturating_mul(1_000);
        Self { least: before_ms.saturating_sub(said + 1_000), most: after_ms.saturating_sub(said) }
    }

    /// The distance that there is at least.
    fn certainly(self) -> i64 {
        if self.least > 0 {
            self.least
        } else if self.most < 0 {
            self.most
        } else {
            0
        }
    }
}

pub(super) async fn check(report: &mut Report, config: &NodeConfig, running: Option<&Running>) {
    let mut right = false;
    for chain in &config.chains {
        for (index, url) in chain.rpc_urls.iter().enumerate() {
            let name = format!("clock, chain {} rpc {index}", chain.chain_id);
            match served(url).await {
                Ok(ahead) => right |= server(report, &name, ahead),
                Err(error) => report.skipped(&name, format_args!("{error:#}")),
            }
        }
    }
    if let Some(running) = running {
        members(report, running.status.clock_offset_ms);
    }
    for chain in &config.chains {
        let Some(url) = chain.rpc_urls.first() else { continue };
        let Ok(endpoint) = Endpoint::new(chain, 0, url) else { continue };
        let name = format!("clock, chain {} head", chain.chain_id);
        let Ok(Some(head)) = endpoint.rpc.header(BlockId::Latest).await else { continue };
        let head_ms = i64::try_from(head.time).unwrap_or(i64::MAX).saturating_mul(1_000);
        let ahead_ms = head_ms.saturating_sub(now_ms());
        if ahead_ms <= AHEAD_MAX_MS {
            report.ok(&name, "no block comes from the future");
        } else if right {
            let found =
                format!("block {} is {ahead_ms} ms in the future, by a right clock", head.number);
            report.warning(
                &name,
                found,
                "a development chain may run ahead; another has a bad clock",
            );
        } else {
            let found = format!("block {} is {ahead_ms} ms in the future", head.number);
            report.failed(&name, found, SET);
        }
    }
}

/// True if the clock is not certainly wrong.
fn server(report: &mut Report, name: &str, ahead: Ahead) -> bool {
    let found = format!("this clock is ahead by {} to {} ms", ahead.least, ahead.most);
    match ahead.certainly().abs() {
        far if far > WRONG_MS => {
            report.failed(name, found, SET);
            false
        }
        far => {
            report.warn_if(name, found, (far > SUSPECT_MS).then_some(SET));
            true
        }
    }
}

fn members(report: &mut Report, offset_ms: Option<i64>) {
    let name = "clock, members";
    match offset_ms {
        None => report.skipped(name, "the node has heard no bundle of another member yet"),
        Some(ms) => {
            let found = format!("ahead of the other members' by {ms} ms, a bundle's way included");
            if ms.abs() > WRONG_MS {
                report.failed(name, found, SET);
            } else {
                report.ok(name, found);
            }
        }
    }
}

/// This clock against that of the server behind a URL.
async fn served(url: &str) -> Result<Ahead> {
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let ask = || {
        let body =
            serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
        client.post(url).json(&body)
    };
    // The first request has the connection to make.
    let hidden = |error: reqwest::Error| error.without_url();
    ask().send().await.map_err(hidden)?;
    let before = now_ms();
    let answer = ask().send().await.map_err(hidden)?;
    let after = now_ms();
    let date = answer.headers().get(reqwest::header::DATE);
    let date = date.ok_or_else(|| eyre!("the endpoint's answers have no date"))?;
    let said = httpdate::parse_http_date(date.to_str()?).wrap_err("the endpoint's date")?;
    let said = said.duration_since(UNIX_EPOCH)?.as_secs();
    Ok(Ahead::measured(i64::try_from(said)?, before, after))
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_agree_are_bounded_around_nothing() {
        let ahead = Ahead::measured(1_000, 1_000_400, 1_000_420);
        assert_eq!(ahead, Ahead { least: -600, most: 420 });
        assert_eq!(ahead.certainly(), 0);
    }

    #[test]
    fn clock_ahead_is_certainly_ahead_by_the_lower_bound() {
        assert_eq!(Ahead::measured(1_000, 1_005_000, 1_005_030).certainly(), 4_000);
    }

    #[test]
    fn clock_behind_is_certainly_behind_by_the_upper_bound() {
        assert_eq!(Ahead::measured(1_000, 993_000, 993_030).certainly(), -6_970);
    }

    #[test]
    fn members_clock_far_away_fails() {
        let mut report = Report::default();
        members(&mut report, Some(-2_001));
        members(&mut report, Some(2_000));
        let results: Vec<_> = report.0.iter().map(|check| check.result).collect();
        assert_eq!(
            results,
            [super::super::report::Outcome::Failed, super::super::report::Outcome::Ok]
        );
    }
}
