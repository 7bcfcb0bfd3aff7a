//! How much memory the current thread holds: a decoder must not be made to take more than its input
//! is worth.

// An allocator is unsafe code by its signature; this one only counts, and hands on to the system's.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn note(bytes: isize) {
    // A thread that ends has no counters any more.
    let _ = HELD.try_with(|held| {
        let now = held.get().wrapping_add(bytes);
        held.set(now);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now)));
    });
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: every call goes to the system's allocator with the arguments as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(signed(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(signed(layout.size()));
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        note(signed(bytes));
        note(-signed(layout.size()));
        unsafe { System.realloc(at, layout, bytes) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(-signed(layout.size()));
        unsafe { System.dealloc(at, layout) }
    }
}

/// Bytes that this thread has allocated and not given back; those that it gave back for others count
/// against it.
pub(crate) fn held() -> isize {
    HELD.get()
}

/// The most bytes that this thread held at a time during `work`, beyond what it held before.
pub(crate) fn peak(work: impl FnOnce()) -> usize {
    let before = held();
    PEAK.set(before);
    work();
    usize::try_from(PEAK.get().saturating_sub(before)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_counts_what_was_held_at_a_time() {
        let bytes = peak(|| {
            for _ in 0..10 {
                drop(std::hint::black_box(vec![0u8; 100_000]));
            }
            drop(std::hint::black_box((vec![0u8; 200_000], vec![1u8; 50_000])));
        });
        assert!((250_000..260_000).contains(&bytes), "{bytes}");
    }
}
