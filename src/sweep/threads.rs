//! The threads of a sweep.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::machine::{Priority, lower_this_thread};

/// Cores there are.
pub(super) fn num_cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// So many threads; of the lowest priority where they work behind somebody's back.
pub(super) fn threads(num: usize, is_behind: bool) -> Result<Arc<ThreadPool>, ThreadPoolBuildError> {
    let builder = ThreadPoolBuilder::new().num_threads(num).thread_name(|i| format!("tectum-sweep-{i}"));
    let begin = move |_| {
        if is_behind {
            lower_this_thread(Priority::Last);
        }
    };
    builder.start_handler(begin).build().map(Arc::new)
}
