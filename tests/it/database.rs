//! An empty database for one test, on the server that all tests share.

#[path = "../../src/postgres/testing/shared.rs"]
mod shared;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::OnceLock;

use tokio_postgres::{Client, NoTls};

use self::shared::SharedServer;

/// A database, which is dropped with this value.
pub(crate) struct Database {
    pub(crate) url: String,
    name: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        let name = format!("it{:x}", RandomState::new().build_hasher().finish());
        maintain(&format!("CREATE DATABASE {name}")).await;
        Self {
            url: server().url(&name),
            name,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // The test's own runtime cannot wait for anything here.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(maintain(&statement));
        });
        let _ = dropped.join();
    }
}

/// Logs in to a database.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Shared by all tests of the run, and kept alive by this process.
fn server() -> &'static SharedServer {
    static SHARED: OnceLock<SharedServer> = OnceLock::new();
    SHARED.get_or_init(|| SharedServer::join(Path::new(env!("CARGO_BIN_EXE_skep"))))
}

async fn maintain(statement: &str) {
    let client = connect(&server().url("postgres")).await;
    client.batch_execute(statement).await.unwrap();
}
