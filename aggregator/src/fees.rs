//! EIP-1559 fees: what to offer first, and what to offer next.

use crate::config::Policy;

/// What a transaction offers, in wei a gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// Most that is paid, base fee included.
    pub max: u128,
    /// Most that the block's producer gets.
    pub tip: u128,
}

/// What the chain asks at the moment, in wei a gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// Base fee of the next block.
    pub base_fee: u128,
    /// The tip that recent transactions paid, in the middle.
    pub tip: u128,
}

impl Market {
    /// From `eth_feeHistory`: the base fee of the block to come, and the median of the tips of blocks that had any.
    pub fn of_history(base_fee: u128, mut tips: Vec<u128>) -> Self {
        tips.retain(|tip| *tip > 0);
        tips.sort_unstable();
        Self { base_fee, tip: tips.get(tips.len() / 2).copied().unwrap_or(0) }
    }
}

/// The fees of a first try: twice the base fee, which holds for six full blocks, and the usual tip; lowered to the
/// policy's limit as long as the next block would still take them.
///
/// # Errors
/// What the next block needs, if that is above the limit.
pub(crate) fn first(market: Market, policy: &Policy) -> Result<Fees, u128> {
    let tip = market.tip.max(policy.tip_min_wei);
    let needed = market.base_fee.saturating_add(policy.tip_min_wei);
    if needed > policy.fee_max_wei {
        return Err(needed);
    }
    let max = market.base_fee.saturating_mul(2).saturating_add(tip).min(policy.fee_max_wei);
    Ok(Fees { max, tip: tip.min(max) })
}

/// The fees of a replacement: both raised by the policy's step, rounded up, and at least what a first try would offer.
///
/// # Errors
/// What a replacement needs, if that is above the limit.
pub(crate) fn bumped(old: Fees, market: Market, policy: &Policy) -> Result<Fees, u128> {
    let step = Fees { max: raised(old.max, policy), tip: raised(old.tip, policy) };
    if step.max > policy.fee_max_wei {
        return Err(step.max);
    }
    let fresh = first(market, policy)?;
    let max = step.max.max(fresh.max);
    Ok(Fees { max, tip: step.tip.max(fresh.tip).min(max) })
}

fn raised(fee: u128, policy: &Policy) -> u128 {
    let step = fee.saturating_mul(u128::from(policy.bump_permille)).div_ceil(1_000).max(1);
    fee.saturating_add(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        poll_interval_ms: 1,
        turn_delay_ms: 1,
        bump_after_blocks: 1,
        bump_permille: 125,
        tip_min_wei: 10,
        fee_max_wei: 1_000,
        gas_max: 21_000,
        confirmations: 1,
        balance_low_wei: 0,
        stall_after_ms: 1,
    };

    #[test]
    fn first_fees_cover_a_doubled_base_fee() {
        let fees = first(Market { base_fee: 100, tip: 7 }, &POLICY).unwrap();
        assert_eq!(fees, Fees { max: 210, tip: 10 });
    }

    #[test]
    fn first_fees_stop_at_the_limit() {
        let fees = first(Market { base_fee: 900, tip: 2_000 }, &POLICY).unwrap();
        assert_eq!(fees, Fees { max: 1_000, tip: 1_000 });
        assert_eq!(first(Market { base_fee: 991, tip: 0 }, &POLICY), Err(1_001));
    }

    #[test]
    fn bumped_fees_raise_both_by_an_eighth_rounded_up() {
        let market = Market { base_fee: 1, tip: 1 };
        let fees = bumped(Fees { max: 101, tip: 11 }, market, &POLICY).unwrap();
        assert_eq!(fees, Fees { max: 114, tip: 13 });
        let fees =
            bumped(Fees { max: 1, tip: 0 }, Market { base_fee: 0, tip: 0 }, &POLICY).unwrap();
        assert!(fees.max >= 2 && fees.tip >= 1);
    }

    #[test]
    fn bumped_fees_follow_a_risen_base_fee() {
        let fees = bumped(Fees { max: 110, tip: 10 }, Market { base_fee: 300, tip: 10 }, &POLICY);
        assert_eq!(fees, Ok(Fees { max: 610, tip: 12 }));
    }

    #[test]
    fn bumped_fees_above_the_limit_are_refused_with_what_they_need() {
        let market = Market { base_fee: 1, tip: 1 };
        assert_eq!(bumped(Fees { max: 900, tip: 10 }, market, &POLICY), Err(1_013));
    }

    #[test]
    fn bumped_fees_of_the_largest_numbers_do_not_overflow() {
        let market = Market { base_fee: u128::MAX, tip: u128::MAX };
        assert!(bumped(Fees { max: u128::MAX, tip: u128::MAX }, market, &POLICY).is_err());
    }

    #[test]
    fn market_takes_the_median_of_blocks_with_tips() {
        let market = Market::of_history(5, vec![0, 9, 1, 0, 3]);
        assert_eq!(market, Market { base_fee: 5, tip: 3 });
        assert_eq!(Market::of_history(5, vec![0, 0]).tip, 0);
    }
}
