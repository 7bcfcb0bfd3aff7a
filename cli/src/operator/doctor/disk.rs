//! Room, speed and content of the data folder.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use oracle_node::{config::NodeConfig, resources};
use store::{Store, StoreError};

use super::{node::Running, report::Report};

/// How often a write is timed.
const SYNCS: usize = 16;
/// Bytes of such a write.
const SYNC_BYTES: usize = 4096;
/// A median write slower than this holds a node up.
const SYNC_SLOW: Duration = Duration::from_millis(50);
/// Room that is too little, in bytes.
const FREE_MIN: u64 = 2 << 30;
/// Room that is little, in bytes.
const FREE_LOW: u64 = 10 << 30;
/// Days of room that are little.
const DAYS_LOW: u64 = 14;
/// A store younger than this says nothing of its growth.
const AGE_MIN: Duration = Duration::from_secs(3_600);

pub(super) fn check(report: &mut Report, config: &NodeConfig, running: Option<&Running>) {
    let folder = &config.data_dir;
    // Only a folder that exists is looked at: making it is the node's business.
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(folder);
    space(report, existing, &folder.join("node.redb"));
    if folder.exists() {
        speed(report, folder);
        content(report, config, running.is_some());
    } else {
        report.skipped("store", format_args!("{} is not there yet", folder.display()));
    }
}

fn space(report: &mut Report, folder: &Path, store: &Path) {
    let check = "disk space";
    let disk = match resources::disk(folder) {
        Ok(disk) => disk,
        Err(error) => {
            let found = format!("{}: {error}", folder.display());
            return report.failed(check, found, "check data_dir and the mount");
        }
    };
    let mut found = format!("{} GiB of {} GiB free", disk.free_bytes >> 30, disk.size_bytes >> 30);
    let days = growth(store).map(|daily| {
        let days = disk.free_bytes.checked_div(daily);
        let room = days.map_or("no end in sight".into(), |days| format!("room for {days} days"));
        found += &format!(", {} MiB a day since the store was made, {room}", daily >> 20);
        days.unwrap_or(u64::MAX)
    });
    let next = "free or add room; a node that cannot write stops before it signs";
    if disk.free_bytes < FREE_MIN {
        report.failed(check, found, next);
    } else if disk.free_bytes < FREE_LOW || days.is_some_and(|days| days < DAYS_LOW) {
        report.warning(check, found, next);
    } else {
        report.ok(check, found);
    }
}

/// Bytes a day, as the store grew since it was made; none for a young one.
fn growth(store: &Path) -> Option<u64> {
    let metadata = fs::metadata(store).ok()?;
    let age = SystemTime::now().duration_since(metadata.created().ok()?).ok()?;
    if age < AGE_MIN {
        return None;
    }
    metadata.len().checked_mul(86_400)?.checked_div(age.as_secs())
}

fn speed(report: &mut Report, folder: &Path) {
    let check = "disk speed";
    match sync_times(folder) {
        Err(error) => report.failed(
            check,
            format_args!("{}: {error}", folder.display()),
            "let the node's user write there, and check that the disk is not read-only",
        ),
        Ok(times) => {
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            let worst = times.last().copied().unwrap_or_default();
            let found = format!(
                "{SYNCS} synced writes: {:.1} ms in the middle, {:.1} ms at worst",
                median.as_secs_f64() * 1e3,
                worst.as_secs_f64() * 1e3
            );
            let next = "move the data to a faster disk: every vote waits for a synced write";
            report.warn_if(check, found, (median > SYNC_SLOW).then_some(next));
        }
    }
}

/// How long synced writes take, in ascending order.
fn sync_times(folder: &Path) -> io::Result<Vec<Duration>> {
    use io::Write as _;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[0; SYNC_BYTES])?;
        file.as_file().sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

/// Whether store and write-ahead log are what a node starts from.
fn content(report: &mut Report, config: &NodeConfig, runs: bool) {
    let check = "store";
    let path = config.data_dir.join("node.redb");
    if !path.exists() {
        return report.ok(check, "not made yet; the first start makes it");
    }
    let wal = host::wal_file(&config.data_dir.join("wal"));
    match Store::peek(&path) {
        Err(StoreError::InUse { .. }) if runs => report.ok(check, "open in the running node"),
        Err(error @ StoreError::InUse { .. }) => report.failed(
            check,
            error,
            "a node holds it that does not answer: read its log, stop it, and start it again",
        ),
        Err(error @ StoreError::Unclean { .. }) => report.ok(check, error),
        Err(error) => report.failed(check, error, "read docs/operator.md, When it goes down"),
        Ok(found) if found.tip.is_some() && !wal.exists() => report.failed(
            check,
            format_args!("blocks up to {}, and no write-ahead log", found.tip.unwrap_or_default()),
            "read docs/operator.md, When it goes down, before you start it",
        ),
        Ok(found) => report.ok(
            check,
            format_args!(
                "of {}, blocks up to {}",
                found.identity.operator,
                found.tip.unwrap_or_default()
            ),
        ),
    }
}
