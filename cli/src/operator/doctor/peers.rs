//! The other members, dialed where the genesis says that they are.

use std::time::Instant;

use futures::future::join_all;
use host::PeerKey;
use protocol::{genesis::Member, ids::OperatorIndex};

use super::{
    identity::Identity,
    node::{self, DIAL_PATIENCE, Running},
    report::Report,
};

/// What dialing one member came to.
enum Dialed {
    /// It proved its key at this address, after so many milliseconds.
    Found(String, u128),
    /// Why not, an address each.
    Not(Vec<String>),
}

pub(super) async fn check(report: &mut Report, identity: &Identity, running: Option<&Running>) {
    let (Some(genesis), Some(me)) = (&identity.genesis, identity.index()) else {
        return report.skipped("peers", "need the genesis, and this operator in it");
    };
    let others: Vec<(OperatorIndex, &Member)> = genesis
        .indices()
        .filter(|index| *index != me)
        .filter_map(|index| Some((index, genesis.member(index)?)))
        .collect();
    let dialed = join_all(others.iter().map(|(_, member)| dial(identity, member))).await;
    let mut found = 0usize;
    for ((index, member), dialed) in others.iter().zip(dialed) {
        let check = format!("peer {index}");
        let connected = running.and_then(|running| {
            let members = &running.committee.as_ref()?.members;
            Some(members.iter().find(|it| it.index == index.0)?.connected)
        });
        let state = match connected {
            Some(true) => ", connected",
            Some(false) => ", not connected",
            None => "",
        };
        match dialed {
            Dialed::Found(address, ms) => {
                found += 1;
                let detail = format!("{} at {address} in {ms} ms{state}", member.operator);
                let next = "its node refuses ours, or has just started; see the log for its key";
                report.warn_if(&check, detail, (connected == Some(false)).then_some(next));
            }
            Dialed::Not(reasons) => {
                let detail = format!("{}{state}: {}", member.operator, reasons.join("; "));
                if connected == Some(true) {
                    found += 1;
                    let next = "it reaches us, and we would not reach it: tell its operator";
                    report.warning(&check, detail, next);
                } else {
                    report.warning(&check, detail, "ask its operator whether the node is up");
                }
            }
        }
    }
    let q = genesis.quorums().q;
    let all =
        format!("{found} of {} others reached; the quorum is {q}, this one included", others.len());
    if found + 1 >= q {
        report.ok("peers", all);
    } else {
        report.failed(
            "peers",
            all,
            "check this machine's way to the network first, then ask the others",
        );
    }
}

async fn dial(identity: &Identity, member: &Member) -> Dialed {
    let mut reasons = Vec::new();
    for address in &member.addresses {
        let begun = Instant::now();
        match host::probe(address, DIAL_PATIENCE).await {
            Ok(key) if key == PeerKey(member.network_key) => {
                return Dialed::Found(address.clone(), begun.elapsed().as_millis());
            }
            Ok(key) => reasons.push(format!("{address} is {}", node::name(identity, key))),
            Err(error) => reasons.push(format!("{address}: {}", node::why(&error))),
        }
    }
    if reasons.is_empty() {
        reasons.push("the genesis has no address of it".into());
    }
    Dialed::Not(reasons)
}
