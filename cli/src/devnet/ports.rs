use std::net::{Ipv4Addr, TcpListener};

use eyre::{Result, bail, eyre};
use rand::Rng as _;

/// Where free ports are looked for: below those that systems hand out for outgoing connections,
/// so that none is taken while its owner restarts.
const FREE_PORTS: std::ops::Range<u16> = 12_000..32_000;
/// How often a free block is looked for.
const ATTEMPTS: u32 = 200;

/// A block of ports: the chain's, then two for each operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    base: u16,
}

impl Ports {
    /// Ports from `base` on, or free ones.
    ///
    /// # Errors
    /// Names the port that is in use, or out of range.
    pub fn choose(base: Option<u16>, nodes: u16) -> Result<Self> {
        let count = nodes.checked_mul(2).and_then(|ports| ports.checked_add(1));
        let count =
            count.ok_or_else(|| eyre!("{nodes} operators need more ports than there are"))?;
        if let Some(base) = base {
            if base.checked_add(count - 1).is_none() || base == 0 {
                bail!("--base-port {base}: {count} ports do not fit from there on");
            }
            if let Some(port) = (base..=base + (count - 1)).find(|port| !is_free(*port)) {
                bail!(
                    "--base-port {base}: port {port} is in use, and {count} are needed from \
                     {base} on; choose another, or leave the option out"
                );
            }
            return Ok(Self { base });
        }
        for _ in 0..ATTEMPTS {
            let base = rand::thread_rng().gen_range(FREE_PORTS.start..FREE_PORTS.end - count);
            if (base..base + count).all(is_free) {
                return Ok(Self { base });
            }
        }
        bail!("no {count} free ports in a row found; free some, or name them with --base-port")
    }

    /// The chain's.
    pub fn chain(self) -> u16 {
        self.base
    }

    /// An operator's API.
    pub fn api(self, operator: u16) -> u16 {
        self.base + 1 + 2 * operator
    }

    /// An operator's network.
    pub fn network(self, operator: u16) -> u16 {
        self.base + 2 + 2 * operator
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_from_a_base_in_use_are_refused() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let refused = Ports::choose(Some(port), 4).unwrap_err().to_string();
        assert!(refused.contains("in use") || refused.contains("fit"), "{refused}");
    }

    #[test]
    fn ports_that_do_not_fit_are_refused() {
        assert!(Ports::choose(Some(u16::MAX - 3), 4).is_err());
        assert!(Ports::choose(Some(0), 4).is_err());
        assert!(Ports::choose(None, u16::MAX).is_err());
    }

    #[test]
    fn ports_that_are_free_are_all_different() {
        let ports = Ports::choose(None, 4).unwrap();
        let mut all = vec![ports.chain()];
        all.extend((0..4).flat_map(|operator| [ports.api(operator), ports.network(operator)]));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 9);
    }
}
