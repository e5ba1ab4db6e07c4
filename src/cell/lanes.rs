//! Two lanes for calls, so that those that compute for long do not delay the others.
//!
//! Every call begins on the threads that serve everything. One that has kept a thread for
//! [`PATIENCE`] goes on in the slow lane: as many threads as there are cores, which the kernel
//! runs only where the others leave something over.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinError;
use tokio_util::context::TokioContext;

/// How long a call may keep a thread in all before it goes to the slow lane.
const PATIENCE: Duration = Duration::from_millis(5);
/// The niceness of the slow lane's threads. They get about a tenth of a core that the
/// others want for themselves: little, but calls still come to their end.
const NICENESS: i32 = 10;

/// The threads for calls that compute for long.
pub(super) struct SlowLane(Option<Runtime>);

impl SlowLane {
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("skep-slow")
            .on_thread_start(|| {
                // On Linux this is the thread's own. Being nicer is never refused.
                let _ = rustix::process::setpriority_process(None, NICENESS);
            })
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a call to its end, here or in the slow lane.
    ///
    /// # Errors
    ///
    /// When the call panics in the slow lane, or the process ends.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        let mut call = Box::pin(call);
        if let Some(done) = until_it_takes_long(call.as_mut()).await {
            return Ok(done);
        }
        // What the call spawns, waits for and connects to stays with the threads it began on.
        let call = TokioContext::new(call, Handle::current());
        match &self.0 {
            Some(slow) => slow.spawn(call).await,
            None => Ok(call.await),
        }
    }
}

impl Drop for SlowLane {
    /// Does not wait: this may be one of the threads that are to end.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The outcome; none as soon as the future has kept its thread for long, without having ended.
async fn until_it_takes_long<T>(mut call: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    let mut kept = Duration::ZERO;
    poll_fn(|context| {
        let began = Instant::now();
        let polled = call.as_mut().poll(context);
        kept += began.elapsed();
        match polled {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if kept >= PATIENCE => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps its thread for longer than there is patience, then says where it is.
    async fn compute() -> (String, Handle) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            std::hint::spin_loop();
        }
        tokio::task::yield_now().await;
        here().await
    }

    async fn here() -> (String, Handle) {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        (name, Handle::current())
    }

    #[tokio::test]
    async fn only_what_computes_for_long_goes_to_the_slow_lane() {
        let lane = SlowLane::start().unwrap();

        let (short, _) = lane.run(here()).await.unwrap();
        let (long, runtime) = lane.run(compute()).await.unwrap();

        assert_ne!(short, "skep-slow");
        assert_eq!(long, "skep-slow");
        assert_eq!(runtime.id(), Handle::current().id());
    }

    #[tokio::test]
    async fn waiting_is_not_computing() {
        let lane = SlowLane::start().unwrap();
        let waits = async {
            tokio::time::sleep(PATIENCE * 2).await;
            here().await
        };

        let (thread, _) = lane.run(waits).await.unwrap();

        assert_ne!(thread, "skep-slow");
    }

    #[tokio::test]
    async fn the_threads_of_the_slow_lane_are_nice() {
        let lane = SlowLane::start().unwrap();
        let niceness = async {
            let _ = compute().await;
            rustix::process::getpriority_process(None).unwrap()
        };

        assert_eq!(lane.run(niceness).await.unwrap(), NICENESS);
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), 0);
    }
}
