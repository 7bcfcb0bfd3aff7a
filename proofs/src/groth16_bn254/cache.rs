use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::B256;

use super::PreparedKey;
use crate::Code;

/// Most prepared keys that a verifier keeps; each is some tens of kilobytes.
pub const PREPARED_KEYS_MAX: usize = 64;

/// What decoding and preparing a key gave.
pub(crate) type Prepared = Result<Arc<PreparedKey>, Code>;

/// Prepared keys by id, the least recently used one forgotten first. An entry is a pure
/// function of its id, so what is in the cache never changes a verdict.
#[derive(Debug, Default)]
pub(crate) struct KeyCache {
    entries: BTreeMap<B256, (u64, Prepared)>,
    uses: u64,
}

impl KeyCache {
    pub(crate) fn get(&mut self, id: &B256) -> Option<Prepared> {
        self.uses = self.uses.saturating_add(1);
        let (last_use, prepared) = self.entries.get_mut(id)?;
        *last_use = self.uses;
        Some(prepared.clone())
    }

    pub(crate) fn put(&mut self, id: B256, prepared: Prepared) {
        if self.entries.len() >= PREPARED_KEYS_MAX && !self.entries.contains_key(&id) {
            let oldest =
                self.entries.iter().min_by_key(|(_, (last_use, _))| *last_use).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                self.entries.remove(&oldest);
            }
        }
        self.uses = self.uses.saturating_add(1);
        self.entries.insert(id, (self.uses, prepared));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> B256 {
        B256::left_padding_from(&number.to_be_bytes())
    }

    #[test]
    fn full_cache_forgets_the_least_recently_used() {
        let mut cache = KeyCache::default();
        for number in 0..PREPARED_KEYS_MAX {
            cache.put(id(number), Err(Code::KeyLength));
        }
        assert!(cache.get(&id(0)).is_some());
        cache.put(id(PREPARED_KEYS_MAX), Err(Code::KeyLength));
        assert_eq!(cache.entries.len(), PREPARED_KEYS_MAX);
        assert!(cache.get(&id(0)).is_some());
        assert!(cache.get(&id(1)).is_none());
        assert!(cache.get(&id(PREPARED_KEYS_MAX)).is_some());
    }
}
