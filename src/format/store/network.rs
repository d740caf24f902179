//! The one thread that waits for sockets, and how any other thread waits for what comes by it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use super::super::Cancel;
use super::fault::Fault;

/// Waits here for something that needs the network, until it has come, its time is over or nobody wants it any
/// more; it is dropped then, and its connections with it.
pub fn wait<T>(work: impl Future<Output = Result<T, Fault>>, until: Instant, cancel: &Cancel) -> Result<T, Fault> {
    if cancel.is_cancelled() {
        return Err(Fault::cancelled());
    }
    runtime()?.block_on(async {
        let mut work = pin!(tokio::time::timeout_at(until.into(), work));
        let mut cancelled = pin!(cancel.cancelled());
        poll_fn(|context| {
            if cancelled.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(Fault::cancelled()));
            }
            work.as_mut().poll(context).map(|result| result.unwrap_or_else(|_| Err(Fault::no_answer())))
        })
        .await
    })
}

/// Lets something go on that needs the network, and does not wait for it. Dropped, the handle leaves it going.
pub fn start<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<JoinHandle<T>, Fault> {
    Ok(runtime()?.spawn(work))
}

fn runtime() -> Result<&'static Runtime, Fault> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("network").enable_all().build();
        runtime.map_err(|error| error.to_string())
    });
    made.as_ref().map_err(|error| Fault::lasting(format!("no thread for the network: {error}")))
}
