//! Making the server's folder, once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, fchown, lchown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use secrecy::{ExposeSecret, SecretString};

use super::account::{Account, Accounts};
use super::binaries::Binaries;
use super::cluster::ClusterError;
use super::folder::{DataFolder, at, private_folder};
use super::server;
use crate::launch::{self, DeathSignal, Restrictions};

/// Appended to the server's own file, where an operator may change it.
const DEFAULTS: &str = "
# Written by Skep when it made this folder. Yours to change, except for what Skep gives
# on the command line: addresses, sockets, max_connections and the like.
shared_buffers = 32MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
password_encryption = scram-sha-256
";

/// One way in: the socket, with a password.
const ACCESS: &str = "# TYPE DATABASE USER METHOD\nlocal all all scram-sha-256\n";

/// Makes the folder if there is none. What an interrupted attempt left is thrown away.
pub(super) async fn ensure(
    folder: &DataFolder,
    skep: &Path,
    binaries: &Binaries,
    accounts: Accounts,
    password: &SecretString,
) -> Result<(), ClusterError> {
    let cluster = folder.cluster();
    if cluster.join("PG_VERSION").exists() {
        return Ok(());
    }
    let staged = folder.staged();
    remove_folder(&staged).map_err(at(&staged))?;
    private_folder(&staged, accounts.initdb)?;

    let password = PasswordFile::write(folder.password_file(), accounts.initdb, password)?;
    run(folder, skep, binaries, accounts.initdb, &password).await?;
    drop(password);

    finish(&staged, accounts)
        .and_then(|()| fs::rename(&staged, &cluster))
        .and_then(|()| File::open(cluster.parent().unwrap_or(&cluster))?.sync_all())
        .map_err(at(&staged))?;
    Ok(())
}

async fn run(
    folder: &DataFolder,
    skep: &Path,
    binaries: &Binaries,
    account: Account,
    password: &PasswordFile,
) -> Result<(), ClusterError> {
    let restrictions = Restrictions {
        umask: Some(0o077),
        chdir: Some(PathBuf::from("/")),
        ..super::cluster::identity(account)
    }
    .dying_with_us(DeathSignal::Term);
    let log = folder.open_log()?;
    let start = log.metadata().map_or(0, |metadata| metadata.len());
    let again = log.try_clone().map_err(at(&folder.log()))?;

    let mut command = restrictions.command(skep, binaries.folder.join("initdb"));
    command
        .arg("--pgdata")
        .arg(folder.staged())
        .arg("--pwfile")
        .arg(&password.0)
        .args(["--username", server::NAME, "--auth", "scram-sha-256"])
        // Text sorts by code point, as fast and as stable as can be, and still knows
        // which letters are letters, so that ILIKE and lower() work beyond ASCII.
        .args(["--encoding", "UTF8", "--locale", "C.UTF-8"])
        .args(["--lc-collate", "C", "--lc-messages", "C"])
        .args(["--text-search-config", "english"])
        .args(["--data-checksums", "--no-instructions"])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(again);
    let status = match launch::spawn(command).await {
        Ok(mut child) => child.wait().await,
        Err(error) => Err(error),
    }
    .map_err(ClusterError::Launch)?;
    if status.success() {
        Ok(())
    } else {
        Err(ClusterError::Initdb(folder.log_since(start)))
    }
}

fn finish(staged: &Path, accounts: Accounts) -> io::Result<()> {
    let mut settings = OpenOptions::new()
        .append(true)
        .open(staged.join("postgresql.conf"))?;
    settings.write_all(DEFAULTS.as_bytes())?;
    settings.sync_all()?;
    let mut access = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(staged.join("pg_hba.conf"))?;
    access.write_all(ACCESS.as_bytes())?;
    access.sync_all()?;
    if accounts.initdb != accounts.postgres {
        give(staged, accounts.postgres)?;
    }
    Ok(())
}

fn give(path: &Path, account: Account) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), account)?;
        }
    }
    lchown(path, Some(account.uid), Some(account.gid))
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The password as `initdb` wants it: in a file, which is gone with this value.
struct PasswordFile(PathBuf);

impl PasswordFile {
    fn write(
        path: PathBuf,
        account: Account,
        password: &SecretString,
    ) -> Result<Self, ClusterError> {
        // One that an interrupted attempt left may belong to another user.
        let _ = fs::remove_file(&path);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        let guard = Self(path);
        if account != Account::own() {
            fchown(&file, Some(account.uid), Some(account.gid)).map_err(at(&guard.0))?;
        }
        writeln!(file, "{}", password.expose_secret()).map_err(at(&guard.0))?;
        Ok(guard)
    }
}

impl Drop for PasswordFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
