//! A real database for every test: `testing::database()`.
//!
//! Each test gets an empty database and a host key of its own on a server that all tests
//! share ([`shared`]), so that neither tables nor roles of two tests ever meet.

mod shared;

use std::sync::OnceLock;

use secrecy::SecretString;
use shared::SharedServer;

use super::pools::{AppPools, PoolLimits};
use super::roles::Roles;
use super::server::Server;
use crate::app::Grants;
use crate::capability::db::Inspector;
use crate::ids::AppName;
use crate::launch::own_binary;
use crate::services::{Entropy, HostKey};

/// An empty database, which is dropped with this value.
pub(crate) struct TestDatabase {
    server: Server,
    key: HostKey,
}

/// Makes an empty database. The test's process keeps the shared server alive.
pub(crate) async fn database() -> TestDatabase {
    static SHARED: OnceLock<SharedServer> = OnceLock::new();
    let shared = SHARED.get_or_init(|| SharedServer::join(&own_binary()));
    let id = u64::from_le_bytes(Entropy.bytes());
    let url = SecretString::from(shared.url(&format!("t{id:x}")));
    let server = Server::from_url(&url).expect("a good URL");
    maintain(&server, "CREATE DATABASE").await;
    TestDatabase {
        server,
        key: HostKey::from_bytes(Entropy.bytes()),
    }
}

impl TestDatabase {
    /// The database, with a superuser's login.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// A superuser's connection that finds the tables in `public`.
    pub(crate) async fn host(&self) -> tokio_postgres::Client {
        let host = self.server.connect().await.expect("the server answers");
        let set = host.batch_execute("SET search_path = public").await;
        set.expect("a setting");
        host
    }

    pub(crate) fn key(&self) -> &HostKey {
        &self.key
    }

    pub(crate) fn roles(&self) -> Roles {
        Roles::new(self.server.clone(), self.key.clone())
    }

    /// What judges the statements of an app's calls, by the tables that there are now.
    pub(crate) async fn inspector(&self, app: &AppName) -> Inspector {
        let scope = self
            .roles()
            .scope(app, &Grants::default())
            .await
            .expect("a scope");
        Inspector::new(std::sync::Arc::default(), scope)
    }

    pub(crate) fn pools(&self) -> AppPools {
        AppPools::new(self.roles(), PoolLimits::default())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let server = self.server.clone();
        // The test's own runtime cannot wait for anything here.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(maintain(&server, "DROP DATABASE"));
        });
        let _ = dropped.join();
    }
}

async fn maintain(server: &Server, statement: &str) {
    let force = match statement {
        "DROP DATABASE" => "WITH (FORCE)",
        _ => "",
    };
    let client = server.with_database("postgres").connect().await;
    let client = client.expect("the shared server answers");
    client
        .batch_execute(&format!("{statement} {} {force}", server.database()))
        .await
        .expect("a database comes and goes");
}
