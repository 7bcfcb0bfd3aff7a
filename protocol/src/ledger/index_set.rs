//! A set of job indices, kept as ranges: hubs count up, so it stays small for ever.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

/// A set of `u64`s as disjoint, non-adjacent, inclusive ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct IndexSet {
    ranges: BTreeMap<u64, u64>,
}

impl IndexSet {
    /// Whether `index` is in the set.
    pub fn contains(&self, index: u64) -> bool {
        self.ranges.range(..=index).next_back().is_some_and(|(_, end)| *end >= index)
    }

    /// Adds `index`; false if it was there.
    pub fn insert(&mut self, index: u64) -> bool {
        if self.contains(index) {
            return false;
        }
        let mut start = index;
        let mut end = index;
        if let Some((before, before_end)) = self.ranges.range(..index).next_back()
            && before_end.checked_add(1) == Some(index)
        {
            start = *before;
        }
        if let Some(next) = index.checked_add(1)
            && let Some(next_end) = self.ranges.remove(&next)
        {
            end = next_end;
        }
        self.ranges.insert(start, end);
        true
    }

    /// How many ranges the set is made of.
    pub fn ranges(&self) -> usize {
        self.ranges.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insert_in_any_order_merges_to_one_range() {
        let mut set = IndexSet::default();
        for index in [5, 1, 3, 2, 4, u64::MAX, u64::MAX - 1] {
            assert!(set.insert(index));
            assert!(!set.insert(index));
            assert!(set.contains(index));
        }
        assert_eq!(set.ranges(), 2);
        assert!(!set.contains(0) && !set.contains(6));
    }
}
