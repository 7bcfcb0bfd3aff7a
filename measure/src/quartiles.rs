use serde::Serialize;

/// The middle of a set of numbers, and of its lower and upper half.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Quartiles {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
}

impl Quartiles {
    /// Of at least one number; between two neighbours, in proportion.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1).expect("quartiles are of at least one number");
        let at = |quarter: usize| {
            let (index, rest) = (quarter * last / 4, quarter * last % 4);
            let (low, high) = (sorted[index], sorted[(index + 1).min(last)]);
            low + (high - low) * rest as f64 / 4.0
        };
        Self { lower: at(1), median: at(2), upper: at(3) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_of_one_two_and_many() {
        let quartiles = |numbers: &[f64]| {
            let Quartiles { lower, median, upper } = Quartiles::of(numbers.iter().copied());
            [lower, median, upper]
        };
        assert_eq!(quartiles(&[3.0]), [3.0; 3]);
        assert_eq!(quartiles(&[5.0, 1.0]), [2.0, 3.0, 4.0]);
        assert_eq!(quartiles(&[9.0, 1.0, 5.0, 3.0, 7.0]), [3.0, 5.0, 7.0]);
    }
}
