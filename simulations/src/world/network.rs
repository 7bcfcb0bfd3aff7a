//! How long a message takes, and whether it arrives.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{scenario::Network, trace::FaultClass};

/// From a provider to a member, without jitter.
const PROVIDER_LATENCY_MS: u64 = 20;

/// A cut that is in force.
#[derive(Clone, Debug)]
struct Cut {
    operators: Vec<usize>,
    until_ms: u64,
}

/// What becomes of one message: a delay for each copy that arrives, and what befell it.
#[derive(Debug, Default)]
pub struct Route {
    /// Delays of the copies.
    pub copies: Vec<u64>,
    /// What befell it.
    pub faults: Vec<FaultClass>,
}

/// The links between members.
#[derive(Debug)]
pub struct Links {
    network: Network,
    heal_ms: u64,
    cuts: Vec<Cut>,
}

impl Links {
    /// The links of a scenario.
    pub fn new(network: Network, heal_ms: u64) -> Self {
        Self { network, heal_ms, cuts: Vec::new() }
    }

    /// Cuts operators off the rest.
    pub fn cut(&mut self, now_ms: u64, operators: Vec<usize>, until_ms: u64) {
        self.cuts.retain(|cut| cut.until_ms > now_ms);
        self.cuts.push(Cut { operators, until_ms: until_ms.min(self.heal_ms) });
    }

    /// Every cut ends.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// The way of one message; from a provider if `from` is nobody.
    pub fn route(
        &self,
        dice: &mut ChaCha8Rng,
        now_ms: u64,
        from: Option<usize>,
        to: usize,
    ) -> Route {
        let network = &self.network;
        let mut route = Route::default();
        let latency_ms = match from {
            Some(from) => network.latency_ms(place(from), place(to)),
            None => PROVIDER_LATENCY_MS,
        };
        let mut delay_ms = latency_ms + dice.gen_range(0..=network.jitter_ms);
        if now_ms >= self.heal_ms {
            route.copies.push(delay_ms);
            return route;
        }
        if let Some(from) = from
            && self.cuts.iter().any(|cut| {
                cut.until_ms > now_ms
                    && cut.operators.contains(&from) != cut.operators.contains(&to)
            })
        {
            route.faults.push(FaultClass::Partition);
            return route;
        }
        if chance(dice, network.loss_permille) {
            route.faults.push(FaultClass::Loss);
            return route;
        }
        for link in &network.one_way {
            let concerned = (link.from_ms..link.until_ms).contains(&now_ms)
                && from.is_some_and(|from| link.from.contains(&place(from)))
                && link.to.contains(&place(to));
            if concerned {
                route.faults.push(FaultClass::OneWay);
                if chance(dice, link.loss_permille) {
                    return route;
                }
                delay_ms += link.delay_ms;
            }
        }
        if network.reorder_ms > 0 && chance(dice, network.reorder_permille) {
            route.faults.push(FaultClass::Reorder);
            delay_ms += dice.gen_range(1..=network.reorder_ms);
        }
        route.copies.push(delay_ms);
        if chance(dice, network.duplicate_permille) {
            route.faults.push(FaultClass::Duplicate);
            route.copies.push(delay_ms + dice.gen_range(0..=network.jitter_ms.max(1) * 4));
        }
        route
    }
}

/// Whether something with this chance happens.
pub fn chance(dice: &mut ChaCha8Rng, permille: u32) -> bool {
    permille > 0 && dice.gen_range(0..1_000) < permille
}

fn place(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}
