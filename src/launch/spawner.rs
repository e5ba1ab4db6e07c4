//! The thread that starts what must die with us.

use std::io;
use std::sync::{OnceLock, mpsc};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Order {
    command: Command,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

static ORDERS: OnceLock<mpsc::Sender<Order>> = OnceLock::new();

/// Starts a command from a thread that lives as long as this process.
///
/// The kernel sends the death signal when the thread that forked ends, not the process;
/// tokio's own threads come and go.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) async fn spawn(command: Command) -> io::Result<Child> {
    let (answer, child) = oneshot::channel();
    let order = Order {
        command,
        runtime: Handle::current(),
        answer,
    };
    let gone = || io::Error::other("the thread that starts programs is gone");
    orders()?.send(order).map_err(|_| gone())?;
    child.await.map_err(|_| gone())?
}

fn orders() -> io::Result<&'static mpsc::Sender<Order>> {
    if let Some(orders) = ORDERS.get() {
        return Ok(orders);
    }
    let (sender, receiver) = mpsc::channel::<Order>();
    std::thread::Builder::new()
        .name("spawner".to_owned())
        .spawn(move || {
            for mut order in receiver {
                let _runtime = order.runtime.enter();
                let _ = order.answer.send(order.command.spawn());
            }
        })?;
    // Whoever loses a race drops its sender, which ends its thread.
    Ok(ORDERS.get_or_init(|| sender))
}
