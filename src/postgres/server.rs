//! Where the database is, and how to log in to it: one answer for the embedded server and
//! for the operator's own.

use std::ffi::OsString;
use std::fmt;
use std::future::poll_fn;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Connection, NoTls};

/// The login of the embedded server's host, and the name of its database.
pub(super) const NAME: &str = "skep";
const PORT: u16 = 5432;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A PostgreSQL server, a database on it and the host's login. Cheap to clone; its debug
/// text holds no secret.
#[derive(Clone)]
pub(crate) struct Server(Arc<Parts>);

struct Parts {
    host: Host,
    port: u16,
    database: String,
    user: String,
    password: Option<SecretString>,
}

/// Why a database URL cannot be used. The texts never repeat a part of it, which might be
/// a part of the password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error(
        "the database URL is malformed: write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, \
         with `@ : / ? # %` in the password written as `%40 %3A %2F %3F %23 %25`"
    )]
    Malformed,
    #[error("the database URL names no {0}: write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`")]
    Missing(&'static str),
    #[error("the database URL names several hosts: name one, or a proxy in front of them")]
    SeveralHosts,
    #[error(
        "the database URL asks for TLS, which Skep does not speak to databases: connect through \
         a Unix socket, a private network or a local TLS proxy, and leave `sslmode` out"
    )]
    Tls,
}

impl Server {
    /// The embedded server behind the socket in this folder.
    pub(super) fn embedded(socket: &Path, password: SecretString) -> Self {
        Self(Arc::new(Parts {
            host: Host::Unix(socket.to_owned()),
            port: PORT,
            database: NAME.to_owned(),
            user: NAME.to_owned(),
            password: Some(password),
        }))
    }

    /// The server that an operator's URL names.
    ///
    /// # Errors
    ///
    /// When the URL is malformed, incomplete, or asks for what we cannot do.
    pub(crate) fn from_url(url: &SecretString) -> Result<Self, UrlError> {
        let config = tokio_postgres::Config::from_str(url.expose_secret())
            .map_err(|_| UrlError::Malformed)?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err(UrlError::Tls);
        }
        let host = match config.get_hosts() {
            [] => return Err(UrlError::Missing("host")),
            [host] => host.clone(),
            [_, _, ..] => return Err(UrlError::SeveralHosts),
        };
        let password = config
            .get_password()
            .map(|bytes| str::from_utf8(bytes).map(SecretString::from))
            .transpose()
            .map_err(|_| UrlError::Malformed)?;
        Ok(Self(Arc::new(Parts {
            host,
            port: config.get_ports().first().copied().unwrap_or(PORT),
            database: config
                .get_dbname()
                .filter(|name| !name.is_empty())
                .ok_or(UrlError::Missing("database"))?
                .to_owned(),
            user: config
                .get_user()
                .ok_or(UrlError::Missing("user"))?
                .to_owned(),
            password,
        })))
    }

    /// The same server and login, another database.
    pub(super) fn with_database(&self, database: &str) -> Self {
        Self(Arc::new(Parts {
            host: self.0.host.clone(),
            port: self.0.port,
            database: database.to_owned(),
            user: self.0.user.clone(),
            password: self.0.password.clone(),
        }))
    }

    /// The same server and database, another login of the host.
    #[cfg(test)]
    pub(super) fn as_login(&self, user: &str, password: &str) -> Self {
        Self(Arc::new(Parts {
            host: self.0.host.clone(),
            port: self.0.port,
            database: self.0.database.clone(),
            user: user.to_owned(),
            password: Some(SecretString::from(password)),
        }))
    }

    pub(crate) fn database(&self) -> &str {
        &self.0.database
    }

    /// How sqlx logs in as the host.
    pub(crate) fn sqlx_options(&self) -> PgConnectOptions {
        let parts = &*self.0;
        let options = PgConnectOptions::new_without_pgpass()
            .port(parts.port)
            .username(&parts.user)
            .database(&parts.database)
            .application_name("skep")
            .ssl_mode(PgSslMode::Disable);
        let options = match &parts.host {
            Host::Tcp(name) => options.host(name),
            Host::Unix(folder) => options.socket(folder),
        };
        match &parts.password {
            Some(password) => options.password(password.expose_secret()),
            None => options,
        }
    }

    /// How tokio-postgres logs in as the host.
    ///
    /// Unqualified names mean the server's own: a function that an app has put into
    /// `public` must never run with the host's rights.
    pub(crate) fn config(&self) -> tokio_postgres::Config {
        let mut config = self.config_for(&self.0.user);
        config.options("-c search_path=pg_catalog");
        if let Some(password) = &self.0.password {
            config.password(password.expose_secret());
        }
        config
    }

    /// How tokio-postgres logs in as another role.
    pub(crate) fn config_as(&self, role: &str, password: &SecretString) -> tokio_postgres::Config {
        let mut config = self.config_for(role);
        config.password(password.expose_secret());
        config
    }

    fn config_for(&self, role: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        match &self.0.host {
            Host::Tcp(name) => config.host(name),
            Host::Unix(folder) => config.host_path(folder),
        };
        config
            .port(self.0.port)
            .dbname(&self.0.database)
            .user(role)
            .application_name("skep")
            .ssl_mode(SslMode::Disable)
            .connect_timeout(CONNECT_LIMIT);
        config
    }

    /// The host's login as the variables that `psql`, `pg_dump` and the like read.
    pub(crate) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let parts = &*self.0;
        let host = match &parts.host {
            Host::Tcp(name) => name.into(),
            Host::Unix(folder) => folder.into(),
        };
        let mut variables = vec![
            ("PGHOST", host),
            ("PGPORT", parts.port.to_string().into()),
            ("PGDATABASE", OsString::from(&parts.database)),
            ("PGUSER", OsString::from(&parts.user)),
        ];
        if let Some(password) = &parts.password {
            variables.push(("PGPASSWORD", password.expose_secret().into()));
        }
        variables
    }

    /// A connection of its own for the host, which closes when the client is dropped.
    pub(super) async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config().connect(NoTls).await?;
        tokio::spawn(attend(connection));
        Ok(client)
    }
}

/// Moves a connection's bytes until it closes.
///
/// Notices are dropped: they are an app's own words, and have no place in our log.
pub(super) async fn attend<S, T>(mut connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(_)) = poll_fn(|context| connection.poll_message(context)).await {}
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("host", &self.0.host)
            .field("port", &self.0.port)
            .field("database", &self.0.database)
            .field("user", &self.0.user)
            .finish_non_exhaustive()
    }
}

/// The server as a person may read it, for logs and pages.
impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &*self.0;
        match &parts.host {
            Host::Tcp(name) => write!(formatter, "{}@{name}:{}", parts.user, parts.port)?,
            Host::Unix(folder) => write!(formatter, "{}@{}", parts.user, folder.display())?,
        }
        write!(formatter, "/{}", parts.database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Server, UrlError> {
        Server::from_url(&SecretString::from(url))
    }

    #[test]
    fn a_url_means_the_same_server_to_both_clients() {
        let server = parse("postgres://ann:p%40ss@db.example:6432/skep?sslmode=prefer").unwrap();

        let sqlx = server.sqlx_options();
        assert_eq!(sqlx.get_host(), "db.example");
        assert_eq!(sqlx.get_port(), 6432);
        assert_eq!(sqlx.get_username(), "ann");
        assert_eq!(sqlx.get_database(), Some("skep"));
        let own = server.config();
        assert_eq!(own.get_hosts(), [Host::Tcp("db.example".into())]);
        assert_eq!(own.get_ports(), [6432]);
        assert_eq!(own.get_user(), Some("ann"));
        assert_eq!(own.get_password(), Some("p@ss".as_bytes()));
        assert_eq!(own.get_dbname(), Some("skep"));
    }

    #[test]
    fn another_role_never_gets_the_hosts_password() {
        let server = parse("postgres://ann:secret@db.example/skep").unwrap();

        let config = server.config_as("app", &SecretString::from("other"));

        assert_eq!(config.get_user(), Some("app"));
        assert_eq!(config.get_password(), Some("other".as_bytes()));
        assert_eq!(config.get_dbname(), Some("skep"));
    }

    #[test]
    fn a_password_is_in_no_text_about_a_server() {
        let server = parse("postgres://ann:hunter2@db.example/skep").unwrap();

        assert!(!format!("{server:?} {server}").contains("hunter2"));
        assert_eq!(server.to_string(), "ann@db.example:5432/skep");
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_repeating_it() {
        for (url, refusal) in [
            ("postgres://ann:hunter2@:x/skep", UrlError::Malformed),
            ("postgres://ann:x@db/skep?hunter2=1", UrlError::Malformed),
            ("mysql://ann:hunter2@db/skep", UrlError::Malformed),
            ("postgres://ann:hunter2@db", UrlError::Missing("database")),
            ("postgres://db/skep", UrlError::Missing("user")),
            ("postgres:///skep?user=ann", UrlError::Missing("host")),
            ("postgres://ann:hunter2@a,b/skep", UrlError::SeveralHosts),
            (
                "postgres://ann:hunter2@db/skep?sslmode=require",
                UrlError::Tls,
            ),
        ] {
            let error = parse(url).unwrap_err();
            assert!(!error.to_string().contains("ter2"), "{error}");
            assert_eq!(error, refusal, "{url}");
        }
    }
}
