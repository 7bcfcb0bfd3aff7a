use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::quartiles::Quartiles;

/// All comparisons of one program.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    title: String,
    rounds: usize,
    pub(crate) rows: Vec<Row>,
}

/// One comparison. Times are of one item, in microseconds of processor time.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: String,
    items: usize,
    ours_us: Quartiles,
    peer_us: Quartiles,
    /// The peer's time by ours, of each round.
    pub(crate) ratio: Quartiles,
}

impl Report {
    pub(crate) fn new(title: &str, rounds: usize) -> Self {
        Self { title: title.to_owned(), rounds, rows: Vec::new() }
    }
}

impl Row {
    /// From pairs of ours and the peer's time for all items.
    pub(crate) fn new(name: &str, items: usize, pairs: &[(Duration, Duration)]) -> Self {
        let each_us = |time: Duration| time.as_secs_f64() * 1e6 / items as f64;
        let ratio = |(ours, peer): &(Duration, Duration)| peer.as_secs_f64() / ours.as_secs_f64();
        Self {
            name: name.to_owned(),
            items,
            ours_us: Quartiles::of(pairs.iter().map(|(ours, _)| each_us(*ours))),
            peer_us: Quartiles::of(pairs.iter().map(|(_, peer)| each_us(*peer))),
            ratio: Quartiles::of(pairs.iter().map(ratio)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: medians of {} rounds, one item, one thread\n", self.title, self.rounds)?;
        writeln!(f, "| what | items | ours, µs | peer, µs | peer / ours | middle half |")?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quartiles { lower, median, upper } = self.ratio;
        write!(
            f,
            "| {} | {} | {:.1} | {:.1} | **{median:.2}** | {lower:.2} to {upper:.2} |",
            self.name, self.items, self.ours_us.median, self.peer_us.median
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_is_of_one_item_and_the_ratio_of_each_round() {
        let pairs = [(10, 40), (20, 60), (10, 50)]
            .map(|(ours, peer)| (Duration::from_micros(ours), Duration::from_micros(peer)));
        let row = Row::new("two", 2, &pairs);
        assert_eq!(row.to_string(), "| two | 2 | 5.0 | 25.0 | **4.00** | 3.50 to 4.50 |");
    }
}
