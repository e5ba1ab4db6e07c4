use secrecy::SecretString;
use sqlx::PgPool;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::capability::log::Identity;
use crate::capability::log::book::LogBook;
use crate::capability::log::policy::Most;
use crate::ids::{AppName, CallId, ReleaseId};
use crate::services::{Clock, Entropy, HostKey, OpenError, Sealing};
use crate::store::testing::TestDatabase;
use crate::store::{apps, credentials};

struct Host {
    database: TestDatabase,
    vault: Vault,
    app: AppName,
}

fn clock() -> Clock {
    Clock::manual(datetime!(2026-11-21 12:00 UTC))
}

fn key(byte: u8) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode([byte; 32])
}

fn vault(database: &TestDatabase, keys: &str) -> Vault {
    let keys = SecretString::from(keys);
    let sealing = Sealing::open(None, Some(&keys), &HostKey::from_bytes([7; 32])).unwrap();
    Vault::new(database.store.clone(), sealing, clock(), Entropy)
}

impl Host {
    async fn start() -> Self {
        let database = TestDatabase::create().await;
        let vault = vault(&database, &key(1));
        let app: AppName = "app".parse().unwrap();
        for name in ["app", "other"] {
            let mut connection = database.store.pool().acquire().await.unwrap();
            let name = name.parse().unwrap();
            apps::ensure(&mut connection, &name, clock().now())
                .await
                .unwrap();
        }
        Self {
            database,
            vault,
            app,
        }
    }

    fn pool(&self) -> &PgPool {
        self.database.store.pool()
    }

    async fn set(&self, app: &str, name: &str, secret: &str) {
        let mut connection = self.pool().acquire().await.unwrap();
        let app = app.parse().unwrap();
        self.vault
            .set(&mut connection, &app, name, secret.as_bytes(), "ann")
            .await
            .unwrap();
    }

    fn log(&self) -> CallLog {
        let identity = Identity {
            app: self.app.clone(),
            release: ReleaseId(Uuid::nil()),
            call: CallId(Uuid::nil()),
            job: None,
        };
        let most = Most {
            lines: 10,
            bytes: 10_000,
        };
        CallLog::new(identity, most, LogBook::unwritten(clock()))
    }

    fn call(&self, vault: &Vault) -> CallCredentials {
        CallCredentials::new(
            vault.clone(),
            ["erp", "crm"].map(str::to_owned).into_iter().collect(),
            self.log(),
        )
    }

    async fn get(&self, vault: &Vault, name: &str) -> Result<String, CredentialsError> {
        let secret = self.call(vault).get(name).await;
        // A connection that is being made when the test ends holds up the end of its database.
        vault.flush().await;
        Ok(String::from_utf8(secret?.to_vec()).unwrap())
    }

    async fn run(&self, statement: &'static str) {
        sqlx::query(statement).execute(self.pool()).await.unwrap();
    }

    async fn reads(&self) -> Vec<(String, String)> {
        self.vault.flush().await;
        let reads = credentials::reads(self.pool(), &self.app, 100)
            .await
            .unwrap();
        let pairs = reads.into_iter().map(|read| (read.name, read.outcome));
        let mut pairs: Vec<(String, String)> = pairs.collect();
        pairs.reverse();
        pairs
    }
}

fn is_broken(result: &Result<String, CredentialsError>) -> bool {
    matches!(
        result,
        Err(CredentialsError::Vault(VaultError::Closed(
            OpenError::Broken
        )))
    )
}

#[tokio::test]
async fn a_call_reads_what_was_set_last_and_every_read_is_recorded() {
    let host = Host::start().await;
    host.set("app", "erp", "first").await;
    host.set("other", "erp", "of another app").await;
    assert_eq!(host.get(&host.vault, "erp").await.unwrap(), "first");

    // No call keeps it: a running one sees the new value too.
    let mut call = host.call(&host.vault);
    call.get("erp").await.unwrap();
    host.set("app", "erp", "second").await;
    assert_eq!(&*call.get("erp").await.unwrap(), b"second");

    let unset = host.get(&host.vault, "crm").await;
    assert!(matches!(unset, Err(CredentialsError::NotSet(name)) if name == "crm"));
    host.set("app", "hidden", "not declared").await;
    let refused = host.get(&host.vault, "hidden").await;
    assert!(matches!(
        refused,
        Err(CredentialsError::Refused(Refused::Undeclared(name))) if name == "hidden"
    ));

    let reads = host.reads().await;
    let reads: Vec<(&str, &str)> = reads
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert_eq!(
        reads,
        [
            ("erp", "given"),
            ("erp", "given"),
            ("erp", "given"),
            ("crm", "not_set"),
            ("hidden", "undeclared"),
        ]
    );
}

#[tokio::test]
async fn a_call_that_reads_without_end_is_refused_and_records_no_more() {
    let host = Host::start().await;
    host.set("app", "erp", "secret").await;
    let mut call = host.call(&host.vault);
    call.reads = policy::MAX_READS;

    let result = call.get("erp").await;

    assert!(matches!(
        result,
        Err(CredentialsError::Refused(Refused::TooOften))
    ));
    assert_eq!(host.reads().await, []);
}

#[tokio::test]
async fn rows_that_are_swapped_or_put_back_do_not_open() {
    let host = Host::start().await;
    host.set("app", "erp", "old").await;
    host.run("CREATE TABLE kept AS SELECT * FROM credentials")
        .await;
    host.set("app", "erp", "new").await;
    host.set("app", "crm", "mine").await;
    host.set("other", "erp", "not mine").await;

    // Another app's secret in this app's row.
    host.run(
        "UPDATE credentials AS mine SET nonce = o.nonce, sealed = o.sealed, version = o.version
         FROM credentials AS o
         WHERE mine.app = 'app' AND mine.name = 'erp' AND o.app = 'other'",
    )
    .await;
    let result = host.get(&host.vault, "erp").await;
    assert!(is_broken(&result), "{result:?}");

    // Another name's secret of the same app.
    host.run(
        "UPDATE credentials AS mine SET nonce = o.nonce, sealed = o.sealed, version = o.version
         FROM credentials AS o
         WHERE mine.name = 'erp' AND mine.app = 'app' AND o.name = 'crm'",
    )
    .await;
    assert!(is_broken(&host.get(&host.vault, "erp").await));

    // An old secret under the new version.
    host.set("app", "erp", "newer").await;
    host.run(
        "UPDATE credentials SET nonce = kept.nonce, sealed = kept.sealed
         FROM kept WHERE credentials.app = 'app' AND credentials.name = 'erp'",
    )
    .await;
    assert!(is_broken(&host.get(&host.vault, "erp").await));
    assert_eq!(host.get(&host.vault, "crm").await.unwrap(), "mine");
    assert_eq!(host.reads().await[0], ("erp".into(), "failed".into()));
}

#[tokio::test]
async fn a_server_without_the_key_says_so() {
    let host = Host::start().await;
    host.set("app", "erp", "secret").await;
    let stranger = vault(&host.database, &key(9));

    let error = host.get(&stranger, "erp").await.unwrap_err();
    let id = credentials::keys(host.pool()).await.unwrap()[0].0.clone();
    assert_eq!(
        error.to_string(),
        format!(
            "it does not open: it is sealed with the key {id}, which this server does not have"
        )
    );

    let text = format!(
        "credentials are sealed with the key {id}, which this server does not have: put it back \
         into the file of sealing keys"
    );
    assert_eq!(stranger.check_keys().await.unwrap_err().to_string(), text);
    assert_eq!(stranger.rotate().await.unwrap_err().to_string(), text);
    assert_eq!(host.get(&host.vault, "erp").await.unwrap(), "secret");
}

#[tokio::test]
async fn calls_go_on_reading_while_everything_is_sealed_anew() {
    let host = Host::start().await;
    for number in 0..40 {
        host.set("app", &format!("n{number}"), "filler").await;
    }
    host.set("app", "erp", "secret").await;
    let rotated = vault(&host.database, &format!("{} {}", key(2), key(1)));
    // Another node, whose file was changed before.
    let other = vault(&host.database, &format!("{} {}", key(1), key(2)));

    let stop = tokio_util::sync::CancellationToken::new();
    let mut call = host.call(&other);
    let reading = tokio::spawn({
        let stop = stop.clone();
        async move {
            let mut reads = 0;
            while !stop.is_cancelled() && reads < policy::MAX_READS - 1 {
                assert_eq!(&*call.get("erp").await.unwrap(), b"secret");
                reads += 1;
            }
            // At least once after everything is sealed anew.
            assert_eq!(&*call.get("erp").await.unwrap(), b"secret");
        }
    });
    let rotation = rotated.rotate().await.unwrap();
    stop.cancel();
    reading.await.unwrap();
    other.flush().await;

    assert_eq!((rotation.resealed, rotation.broken.len()), (41, 0));
    assert_eq!(rotation.in_use, [(rotation.key_id.clone(), 41)]);
    // Only now may the old key be forgotten.
    let without = vault(&host.database, &key(2));
    without.check_keys().await.unwrap();
    assert_eq!(host.get(&without, "erp").await.unwrap(), "secret");
    assert_eq!(rotated.rotate().await.unwrap().resealed, 0);
}

#[tokio::test]
async fn a_broken_credential_is_named_and_does_not_stop_the_others() {
    let host = Host::start().await;
    host.set("app", "crm", "one").await;
    host.set("app", "erp", "two").await;
    host.run("UPDATE credentials SET sealed = sealed || 'x' WHERE name = 'crm'")
        .await;
    let rotated = vault(&host.database, &format!("{} {}", key(2), key(1)));

    let rotation = rotated.rotate().await.unwrap();

    assert_eq!(rotation.broken, ["app/crm"]);
    assert_eq!(rotation.resealed, 1);
    assert_eq!(rotation.in_use.len(), 2);
    assert_eq!(host.get(&rotated, "erp").await.unwrap(), "two");
}

#[tokio::test]
async fn a_secret_is_wiped_once_nobody_else_holds_it() {
    let host = Host::start().await;
    host.set("app", "erp", "secret").await;
    let mut call = host.call(&host.vault);
    let held = call.get("erp").await.unwrap();
    let given = call.given.as_mut().unwrap();

    // Whoever hands it to the cell still holds it.
    given.wipe();
    assert_eq!(&*held, b"secret");
    drop(held);
    given.wipe();
    assert_eq!(&*given.0, [0; 6]);
    host.vault.flush().await;
}

#[test]
fn a_credential_has_a_size() {
    use super::vault::{Unsuitable, admit};

    assert!(matches!(admit(b""), Err(Unsuitable::Empty)));
    assert!(admit(b"x").is_ok());
    assert!(admit(&vec![0; policy::MAX_BYTES]).is_ok());
    let error = admit(&vec![0; policy::MAX_BYTES + 1]).unwrap_err();
    assert_eq!(error.to_string(), "a credential holds at most 1024 KiB");
}
