//! Whether headers and logs of a range of blocks fit together. An endpoint may lie, lag, or sit behind a balancer whose
//! back ends disagree; a page is used only if nothing in it contradicts anything else.

use std::ops::RangeInclusive;

use alloy_primitives::{Address, BloomInput};
use bindings::rpc::{BlockRef, Header, Log};

use crate::decode::TOPICS;

/// Most logs of one page; more, and the range is made smaller.
pub(crate) const PAGE_LOGS_MAX: usize = 20_000;

/// A page whose parts fit together.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Every block of the range.
    pub headers: Vec<Header>,
    /// Ascending by block and index.
    pub logs: Vec<Log>,
    /// Blocks whose bloom filter says that the hub may have spoken.
    pub suspects: Vec<BlockRef>,
}

/// Why a page can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageFault {
    /// It contradicts itself: read it again.
    Inconsistent(String),
    /// It contradicts what was delivered before.
    Broken {
        /// What was read before.
        expected: BlockRef,
        /// What is there now.
        found: alloy_primitives::B256,
    },
}

/// Checks the headers of `range`, which follow `parent` if that is known, and the hub's logs in it.
///
/// # Errors
/// On the first thing that contradicts another, or `parent`.
pub fn check(
    hub: Address,
    parent: Option<BlockRef>,
    range: RangeInclusive<u64>,
    headers: Vec<Header>,
    mut logs: Vec<Log>,
) -> Result<Page, PageFault> {
    check_headers(parent, &range, &headers)?;
    logs.sort_by_key(|log| (log.block.number, log.log_index));
    check_logs(hub, *range.start(), &headers, &logs)?;
    let suspects = headers.iter().filter(|header| may_hold_hub_logs(hub, header));
    let suspects = suspects.map(Header::block_ref).collect();
    Ok(Page { headers, logs, suspects })
}

/// Checks the logs of one block that was asked for by hash.
pub(crate) fn check_block_logs(
    hub: Address,
    header: &Header,
    mut logs: Vec<Log>,
) -> Result<Vec<Log>, PageFault> {
    logs.sort_by_key(|log| log.log_index);
    check_logs(hub, header.number, std::slice::from_ref(header), &logs)?;
    Ok(logs)
}

fn inconsistent<T>(what: String) -> Result<T, PageFault> {
    Err(PageFault::Inconsistent(what))
}

fn check_headers(
    parent: Option<BlockRef>,
    range: &RangeInclusive<u64>,
    headers: &[Header],
) -> Result<(), PageFault> {
    if !headers.iter().map(|header| header.number).eq(range.clone()) {
        return inconsistent(format!("headers are not those of blocks {range:?}"));
    }
    let mut before = parent;
    for header in headers {
        if let Some(before) = before
            && before.hash != header.parent_hash
        {
            if parent == Some(before) {
                return Err(PageFault::Broken { expected: before, found: header.parent_hash });
            }
            return inconsistent(format!(
                "block {} does not follow block {}",
                header.number, before.number
            ));
        }
        before = Some(header.block_ref());
    }
    Ok(())
}

fn check_logs(hub: Address, first: u64, headers: &[Header], logs: &[Log]) -> Result<(), PageFault> {
    let mut before = None;
    for log in logs {
        let at = (log.block.number, log.log_index);
        let place = format!("log {} of block {}", log.log_index, log.block.number);
        let offset = log.block.number.checked_sub(first).and_then(|it| usize::try_from(it).ok());
        let Some(header) = offset.and_then(|offset| headers.get(offset)) else {
            return inconsistent(format!("{place} is outside the range"));
        };
        if header.hash != log.block.hash {
            return inconsistent(format!("{place} is of another block {}", log.block.hash));
        }
        if before == Some(at) {
            return inconsistent(format!("{place} came twice"));
        }
        if log.address != hub || !log.topics.first().is_some_and(|it| TOPICS.contains(it)) {
            return inconsistent(format!("{place} was not asked for"));
        }
        let in_bloom = |bytes: &[u8]| header.logs_bloom.contains_input(BloomInput::Raw(bytes));
        if !in_bloom(hub.as_slice()) || !log.topics.iter().all(|it| in_bloom(it.as_slice())) {
            return inconsistent(format!("{place} is not in its block's bloom filter"));
        }
        before = Some(at);
    }
    Ok(())
}

fn may_hold_hub_logs(hub: Address, header: &Header) -> bool {
    let in_bloom = |bytes: &[u8]| header.logs_bloom.contains_input(BloomInput::Raw(bytes));
    in_bloom(hub.as_slice()) && TOPICS.iter().any(|topic| in_bloom(topic.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{B256, Bloom};

    const HUB: Address = Address::repeat_byte(0x42);

    fn hash(number: u64) -> B256 {
        B256::with_last_byte(number as u8 + 1)
    }

    fn block(number: u64) -> BlockRef {
        BlockRef { number, hash: hash(number) }
    }

    /// A block whose bloom filter holds the hub and every topic, if `speaks` is its number.
    fn header(number: u64, speaks: &[u64]) -> Header {
        let mut logs_bloom = Bloom::ZERO;
        if speaks.contains(&number) {
            logs_bloom.accrue(BloomInput::Raw(HUB.as_slice()));
            TOPICS.iter().for_each(|topic| logs_bloom.accrue(BloomInput::Raw(topic.as_slice())));
        }
        let parent_hash = hash(number - 1);
        Header { number, hash: hash(number), parent_hash, time: 1, logs_bloom, base_fee: None }
    }

    fn headers(speaks: &[u64]) -> Vec<Header> {
        (10..=13).map(|number| header(number, speaks)).collect()
    }

    fn log(number: u64, log_index: u64) -> Log {
        Log {
            address: HUB,
            topics: vec![TOPICS[0]],
            data: Default::default(),
            block: block(number),
            transaction: B256::ZERO,
            log_index,
        }
    }

    fn read(headers: Vec<Header>, logs: Vec<Log>) -> Result<Page, PageFault> {
        check(HUB, Some(block(9)), 10..=13, headers, logs)
    }

    fn check_inconsistent(headers: Vec<Header>, logs: Vec<Log>) {
        let result = read(headers, logs);
        assert!(matches!(result, Err(PageFault::Inconsistent(_))), "{result:?}");
    }

    #[test]
    fn page_that_fits_together_comes_in_order() {
        let page = read(headers(&[11, 12]), vec![log(12, 0), log(11, 7), log(11, 3)]).unwrap();
        let order: Vec<_> = page.logs.iter().map(|it| (it.block.number, it.log_index)).collect();
        assert_eq!(order, [(11, 3), (11, 7), (12, 0)]);
    }

    #[test]
    fn page_names_the_blocks_whose_bloom_promises_logs() {
        let page = read(headers(&[10, 11, 13]), vec![log(11, 3)]).unwrap();
        assert_eq!(page.suspects, [block(10), block(11), block(13)]);
    }

    #[test]
    fn page_that_does_not_follow_the_last_one_is_broken() {
        let elsewhere = BlockRef { number: 9, hash: B256::repeat_byte(9) };
        let result = check(HUB, Some(elsewhere), 10..=13, headers(&[]), vec![]);
        let broken = PageFault::Broken { expected: elsewhere, found: hash(9) };
        assert_eq!(result, Err(broken));
        assert!(check(HUB, None, 10..=13, headers(&[]), vec![]).is_ok());
    }

    #[test]
    fn page_with_missing_or_unlinked_headers_is_inconsistent() {
        check_inconsistent(headers(&[])[..3].to_vec(), vec![]);
        check_inconsistent(headers(&[])[1..].to_vec(), vec![]);
        let mut unlinked = headers(&[]);
        unlinked[2].parent_hash = B256::repeat_byte(7);
        check_inconsistent(unlinked, vec![]);
        let mut repeated = headers(&[]);
        repeated[1] = repeated[0].clone();
        check_inconsistent(repeated, vec![]);
    }

    #[test]
    fn page_with_logs_that_are_not_the_hubs_is_inconsistent() {
        let changes: [fn(&mut Log); 6] = [
            |log| log.block.hash = B256::repeat_byte(7),
            |log| log.block.number = 9,
            |log| log.block.number = u64::MAX,
            |log| log.address = Address::ZERO,
            |log| log.topics.clear(),
            |log| log.topics.push(B256::repeat_byte(7)),
        ];
        for change in changes {
            let mut log = log(11, 3);
            change(&mut log);
            check_inconsistent(headers(&[11]), vec![log]);
        }
        check_inconsistent(headers(&[11]), vec![log(11, 3), log(11, 3)]);
        check_inconsistent(headers(&[]), vec![log(11, 3)]);
    }
}
