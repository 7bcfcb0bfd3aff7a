//! Several endpoints of one chain, one in use at a time.

use std::time::Duration;

use super::backoff::Backoff;
use super::client::{Rpc, UrlError};
use super::transport::Limits;

/// Endpoints that may be configured for one chain.
pub const ENDPOINTS_MAX: usize = 16;

/// The endpoints of one chain in order of preference. A failure moves on to the next one at once; only when all of them
/// failed in a row is there a delay. A refused one is not used again.
#[derive(Clone, Debug)]
pub struct Endpoints {
    list: Vec<Endpoint>,
    current: usize,
    failures_in_row: usize,
    backoff: Backoff,
}

#[derive(Clone, Debug)]
struct Endpoint {
    rpc: Rpc,
    refused: bool,
}

impl Endpoints {
    /// Clients of all `urls`; no request is made. `backoff` paces the rounds through the list.
    pub fn new(urls: &[String], limits: Limits, backoff: Backoff) -> Result<Self, UrlError> {
        let list = urls
            .iter()
            .take(ENDPOINTS_MAX)
            .enumerate()
            .map(|(index, url)| Ok(Endpoint { rpc: Rpc::new(url, index, limits)?, refused: false }))
            .collect::<Result<Vec<_>, UrlError>>()?;
        if list.is_empty() {
            return Err(UrlError::Empty);
        }
        Ok(Self { list, current: 0, failures_in_row: 0, backoff })
    }

    /// The one to ask now; `None` when all are refused.
    pub fn current(&self) -> Option<&Rpc> {
        self.list.get(self.current).filter(|endpoint| !endpoint.refused).map(|it| &it.rpc)
    }

    /// All that are not refused and not in use now.
    pub fn others(&self) -> impl Iterator<Item = &Rpc> {
        let current = self.current;
        let usable = self
            .list
            .iter()
            .enumerate()
            .filter(move |(index, it)| *index != current && !it.refused);
        usable.map(|(_, endpoint)| &endpoint.rpc)
    }

    /// How many are not refused.
    pub fn usable(&self) -> usize {
        self.list.iter().filter(|endpoint| !endpoint.refused).count()
    }

    /// The current one answered well.
    pub fn succeed(&mut self) {
        self.failures_in_row = 0;
        self.backoff.reset();
    }

    /// The current one failed: moves on, and says how long to wait before the next try.
    pub fn fail(&mut self, entropy: u32) -> Duration {
        self.advance();
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        if self.failures_in_row < self.usable() {
            return Duration::ZERO;
        }
        self.failures_in_row = 0;
        self.backoff.fail(entropy)
    }

    /// The current one is not to be used again.
    pub fn refuse(&mut self) {
        if let Some(endpoint) = self.list.get_mut(self.current) {
            endpoint.refused = true;
        }
        self.advance();
    }

    fn advance(&mut self) {
        let count = self.list.len();
        let next = (1..=count).map(|step| (self.current + step) % count);
        if let Some(next) = next.into_iter().find(|i| self.list.get(*i).is_some_and(|e| !e.refused))
        {
            self.current = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(count: usize) -> Endpoints {
        let urls: Vec<_> =
            (1..=count).map(|port| format!("http://localhost:{port}/secret")).collect();
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8));
        Endpoints::new(&urls, Limits::default(), backoff).unwrap()
    }

    fn label(endpoints: &Endpoints) -> &str {
        endpoints.current().unwrap().label()
    }

    #[test]
    fn endpoints_one_failing_moves_to_the_next_without_delay() {
        let mut endpoints = endpoints(2);
        assert_eq!(label(&endpoints), "#0 localhost:1");
        assert_eq!(endpoints.fail(u32::MAX), Duration::ZERO);
        assert_eq!(label(&endpoints), "#1 localhost:2");
    }

    #[test]
    fn endpoints_all_failing_waits_longer_each_round() {
        let mut endpoints = endpoints(2);
        let delays: Vec<_> = (0..6).map(|_| endpoints.fail(u32::MAX).as_secs()).collect();
        assert_eq!(delays, [0, 1, 0, 2, 0, 4]);
    }

    #[test]
    fn endpoints_refused_one_is_never_current_again() {
        let mut endpoints = endpoints(2);
        endpoints.refuse();
        assert_eq!(endpoints.usable(), 1);
        for _ in 0..3 {
            assert_eq!(label(&endpoints), "#1 localhost:2");
            endpoints.fail(0);
        }
        endpoints.refuse();
        assert!(endpoints.current().is_none());
    }

    #[test]
    fn endpoints_url_that_is_no_url_is_named_by_its_place_only() {
        let urls = ["http://a".to_owned(), "file:///key".to_owned()];
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8));
        let error = Endpoints::new(&urls, Limits::default(), backoff).unwrap_err();
        assert_eq!(error, UrlError::NotHttp { index: 1 });
        assert!(matches!(Endpoints::new(&[], Limits::default(), backoff), Err(UrlError::Empty)));
    }

    #[test]
    fn endpoints_labels_hide_the_path() {
        assert!(!label(&endpoints(1)).contains("secret"));
    }
}
