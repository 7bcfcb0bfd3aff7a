//! The key ceremony as the ledger sees it: who is there, who dealt, and the key that follows.
//!
//! Shares travel elsewhere, sealed. The ledger collects the members' ceremony keys, then dealers'
//! logs (commitment, acknowledgements, reveals where one is missing), and derives from the logs
//! which dealers count. A round that gives no key names who was absent, and the next one opens;
//! round numbers never repeat.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use threshold::dkg;

use super::{Clock, Event, Group, GroupState, Ledger, SkipCode};
use crate::{
    bytes,
    genesis::Genesis,
    ids::{Height, HubIndex, OperatorIndex},
    subject::Subject,
};

/// Where a round stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Stage {
    /// Members announce the keys that their dealings are sealed to.
    Keys,
    /// Dealers deal, collect acknowledgements, and publish their logs.
    Dealing,
}

/// A ceremony round.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ceremony {
    /// The round, from 1; never repeats on a ledger.
    pub round: u64,
    /// Where it stands.
    pub stage: Stage,
    /// The stage's clock.
    pub clock: Clock,
    /// X25519 keys that dealings are sealed to.
    pub keys: BTreeMap<OperatorIndex, [u8; 32]>,
    /// Dealers' logs.
    pub logs: BTreeMap<OperatorIndex, Vec<u8>>,
}

impl Ceremony {
    pub(super) fn new(round: u64, opened: Height, window_ms: u64) -> Self {
        Self {
            round,
            stage: Stage::Keys,
            clock: Clock::new(opened, window_ms),
            keys: BTreeMap::new(),
            logs: BTreeMap::new(),
        }
    }
}

/// The ceremony of a round as `threshold` takes it: all members deal, all members receive.
///
/// # Errors
/// When the members' network keys are no ed25519 keys.
pub fn ceremony_of(genesis: &Genesis, round: u64) -> Result<dkg::Ceremony, dkg::CeremonyError> {
    let members: Vec<[u8; 32]> = genesis.members.iter().map(|member| member.network_key).collect();
    dkg::Ceremony::new(&genesis.ledger_id().0, round, &members, &members, None)
}

impl Ledger {
    pub(super) fn end_due_ceremony(&mut self, height: Height, events: &mut Vec<Event>) {
        let (time, quorums) = (self.state.time, self.genesis.quorums());
        let window = self.genesis.parameters.ceremony_ms;
        let Some(ceremony) = &mut self.state.ceremony else { return };
        if !ceremony.clock.has_run_out(time, height, quorums) {
            return;
        }
        match ceremony.stage {
            Stage::Keys if ceremony.keys.len() < quorums.q => {
                ceremony.clock = Clock::new(height, window);
            }
            Stage::Keys => self.open_dealing(height, events),
            Stage::Dealing => self.end_dealing(height, events),
        }
    }

    pub(super) fn ceremony_key(
        &mut self,
        operator: OperatorIndex,
        round: u64,
        key: [u8; 32],
        height: Height,
        events: &mut Vec<Event>,
    ) -> Result<(), SkipCode> {
        let n = self.genesis.members.len();
        let ceremony = self.ceremony_at(round, Stage::Keys)?;
        match ceremony.keys.get(&operator) {
            Some(earlier) if *earlier == key => return Err(SkipCode::Duplicate),
            Some(_) => return Err(SkipCode::Contradiction),
            None => ceremony.keys.insert(operator, key),
        };
        if ceremony.keys.len() == n {
            self.open_dealing(height, events);
        }
        Ok(())
    }

    pub(super) fn ceremony_log(
        &mut self,
        operator: OperatorIndex,
        round: u64,
        log: &[u8],
        height: Height,
        events: &mut Vec<Event>,
    ) -> Result<(), SkipCode> {
        let n = self.genesis.members.len();
        let dealer = self.genesis.member(operator).ok_or(SkipCode::Unknown)?.network_key;
        // What costs nothing to refuse is refused before anything is computed.
        match self.ceremony_at(round, Stage::Dealing)?.logs.get(&operator) {
            Some(earlier) if earlier == log => return Err(SkipCode::Duplicate),
            Some(_) => return Err(SkipCode::Contradiction),
            None => {}
        }
        let info = ceremony_of(&self.genesis, round).map_err(|_| SkipCode::WrongPhase)?;
        if log.len() > info.log_bytes_max() {
            return Err(SkipCode::BadLog);
        }
        if dkg::check_log(&info, log).map(|summary| summary.dealer) != Ok(dealer) {
            return Err(SkipCode::BadLog);
        }
        let ceremony = self.ceremony_at(round, Stage::Dealing)?;
        ceremony.logs.insert(operator, log.to_vec());
        if ceremony.logs.len() == n {
            self.end_dealing(height, events);
        }
        Ok(())
    }

    fn ceremony_at(&mut self, round: u64, stage: Stage) -> Result<&mut Ceremony, SkipCode> {
        let ceremony = self.state.ceremony.as_mut().ok_or(SkipCode::WrongPhase)?;
        if ceremony.round != round || ceremony.stage != stage {
            return Err(SkipCode::WrongPhase);
        }
        Ok(ceremony)
    }

    fn open_dealing(&mut self, height: Height, events: &mut Vec<Event>) {
        let window = self.genesis.parameters.ceremony_ms;
        if let Some(ceremony) = &mut self.state.ceremony {
            ceremony.stage = Stage::Dealing;
            ceremony.clock = Clock::new(height, window);
            events.push(Event::DealingOpened { round: ceremony.round });
        }
    }

    fn end_dealing(&mut self, height: Height, events: &mut Vec<Event>) {
        let Some(ceremony) = self.state.ceremony.take() else { return };
        let round = ceremony.round;
        let absent =
            self.genesis.indices().filter(|index| !ceremony.logs.contains_key(index)).collect();
        let logs: Vec<Vec<u8>> = ceremony.logs.into_values().collect();
        let observed = ceremony_of(&self.genesis, round)
            .map_err(|error| error.to_string())
            .and_then(|info| dkg::observe(&info, &logs).map_err(|error| error.to_string()));
        match observed {
            Ok(output) => self.form_group(round, &output, logs, absent, events),
            Err(reason) => {
                events.push(Event::CeremonyFailed { round, absent, reason });
                let window = self.genesis.parameters.ceremony_ms;
                self.state.ceremony = Some(Ceremony::new(round.saturating_add(1), height, window));
                events.push(Event::CeremonyOpened { round: round.saturating_add(1) });
            }
        }
    }

    fn form_group(
        &mut self,
        round: u64,
        output: &dkg::Output,
        logs: Vec<Vec<u8>>,
        absent: Vec<OperatorIndex>,
        events: &mut Vec<Event>,
    ) {
        let key = output.group_key();
        let epoch = self.state.epoch;
        self.state.group =
            Some(GroupState { round, key: key.to_bytes(), output: output.to_bytes(), logs });
        self.group = Some(Group { key: *key, sharing: output.sharing().clone() });
        events.push(Event::GroupFormed {
            epoch,
            round,
            absent,
            revealed: output.dealings_revealed() > 0,
        });
        for (position, hub) in self.genesis.hubs.clone().iter().enumerate() {
            let index = HubIndex(u16::try_from(position).unwrap_or(u16::MAX));
            let message = bytes::key_possession(
                self.state.ledger_id,
                hub.address(),
                self.genesis.committee_id,
                epoch,
                &key.to_eip2537(),
            );
            self.make_due(Subject::KeyPossession { hub: index, epoch }, message, events);
        }
    }
}
