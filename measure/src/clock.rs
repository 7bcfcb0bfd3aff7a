use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time that this thread has used.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither part is ever negative, and the second is below 10⁹.
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_time_passes_with_work_and_not_with_waiting() {
        let start = thread_time();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while thread_time() < Duration::from_millis(50) {}
                sender.send(()).unwrap();
            });
            receiver.recv().unwrap();
        });
        let waited = thread_time() - start;
        assert!(waited < Duration::from_millis(40), "{waited:?} counted while another thread ran");
        let worked = std::hint::black_box((0..200_000u64).fold(0, |sum, n| sum ^ (n * n)));
        assert!(thread_time() > start + waited, "{worked}");
    }
}
