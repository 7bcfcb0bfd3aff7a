//! How many members a committee tolerates faulty, and how many it needs.

/// Smallest committee: below four, no faulty member can be tolerated.
pub const PARTICIPANTS_MIN: usize = 4;

/// Largest committee this crate accepts; bounds every list, message and allocation in it.
pub const PARTICIPANTS_MAX: usize = 128;

/// f = ⌊(n−1)/3⌋, the number of faulty members a committee of `n` tolerates (0 for `n` = 0).
#[must_use]
pub const fn max_faulty(n: usize) -> usize {
    n.saturating_sub(1) / 3
}

/// q = n − f: the votes that decide, and the shares that sign. Never below 2f + 1, and equal to
/// it exactly when n = 3f + 1.
#[must_use]
pub const fn quorum(n: usize) -> usize {
    n - max_faulty(n)
}

#[cfg(test)]
mod tests {
    use super::{max_faulty, quorum};

    #[test]
    fn quorum_small_committees_table() {
        for (n, f, q) in
            [(4, 1, 3), (5, 1, 4), (6, 1, 5), (7, 2, 5), (10, 3, 7), (31, 10, 21), (128, 42, 86)]
        {
            assert_eq!((max_faulty(n), quorum(n)), (f, q), "n = {n}");
        }
    }

    #[test]
    fn quorum_any_two_share_an_honest_member() {
        for n in 4..=super::PARTICIPANTS_MAX {
            assert!(2 * quorum(n) > n + max_faulty(n), "n = {n}");
        }
    }
}
