//! INV-TIME: ledger time never goes back, moves 30 s a block at most, and is never ahead of everyone's.

use std::collections::BTreeMap;

use protocol::ids::{Height, LedgerTime};

use super::Checker;
use crate::trace::{Event, Record};

/// The most that one block moves it.
const STEP_MAX_MS: u64 = 30_000;

#[derive(Default)]
pub(super) struct Time {
    unix_start_ms: u64,
    times: BTreeMap<Height, LedgerTime>,
}

impl Checker for Time {
    fn id(&self) -> &'static str {
        "INV-TIME"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Began { unix_ms, .. } => self.unix_start_ms = *unix_ms,
            Event::Applied { height, time, .. } => {
                if self.times.contains_key(height) {
                    return Ok(());
                }
                self.times.insert(*height, *time);
                // Clocks of honest members are exact here, and a quorum's median is no later.
                let now = self.unix_start_ms.saturating_add(record.at_ms);
                if time.0 > now {
                    return Err(format!("height {height}: ledger time {time} is ahead of {now}"));
                }
                let before = Height(height.0.saturating_sub(1));
                let Some(before) = self.times.get(&before) else { return Ok(()) };
                if time < before {
                    return Err(format!(
                        "height {height}: ledger time goes back from {before} to {time}"
                    ));
                }
                if time.0 - before.0 > STEP_MAX_MS {
                    return Err(format!(
                        "height {height}: ledger time moves from {before} to {time}"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
