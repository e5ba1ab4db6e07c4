//! Which user the server runs as. PostgreSQL refuses to be root.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A user and the user's group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The users of the two programs. They differ where `initdb`, which needs an entry in
/// `/etc/passwd`, borrows one that other programs use too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accounts {
    pub(super) initdb: Account,
    pub(super) postgres: Account,
}

/// A user that no system gives out: for machines that have no user `postgres`.
const PRIVATE: Account = Account {
    uid: 59_327,
    gid: 59_327,
};

/// Why there is no user to run the server as.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error(
        "`{folder}` belongs to user {owner}, and Skep runs as user {us}: run Skep as user \
         {owner}, or give it a folder of its own with --data"
    )]
    OtherOwner {
        folder: PathBuf,
        owner: u32,
        us: u32,
    },
    #[error("`{0}` belongs to root, and PostgreSQL refuses to run as root: `chown -R postgres` it")]
    OwnedByRoot(PathBuf),
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor \
         `nobody`: make a user `postgres`, or run Skep as an ordinary user"
    )]
    NoUser,
    #[error("user {uid}, which PostgreSQL runs as, cannot pass through `{folder}`: {advice}")]
    NoWay {
        folder: PathBuf,
        uid: u32,
        advice: String,
    },
}

impl Account {
    /// The user that this process runs as.
    pub(super) fn own() -> Self {
        Self {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }

    /// Makes sure that this user can pass through every folder down to `path`.
    pub(super) fn reach(self, path: &Path, advice: &str) -> Result<(), AccountError> {
        if self == Self::own() {
            return Ok(());
        }
        for folder in path.ancestors() {
            let Ok(metadata) = folder.metadata() else {
                continue;
            };
            if metadata.is_dir() && !self.can_pass(&metadata) {
                return Err(AccountError::NoWay {
                    folder: folder.to_owned(),
                    uid: self.uid,
                    advice: format!("run `chmod o+x {}`, or {advice}", folder.display()),
                });
            }
        }
        Ok(())
    }

    pub(super) fn can_pass(self, folder: &Metadata) -> bool {
        let bit = if folder.uid() == self.uid {
            0o100
        } else if folder.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        folder.mode() & bit != 0
    }
}

impl Accounts {
    /// Chooses for this process: `cluster` is the server's folder, if it exists already.
    pub(super) fn choose(cluster: Option<&Path>) -> Result<Self, AccountError> {
        let owner = match cluster.map(|folder| (folder, folder.metadata())) {
            Some((folder, Ok(metadata))) => Some((
                folder,
                Account {
                    uid: metadata.uid(),
                    gid: metadata.gid(),
                },
            )),
            _ => None,
        };
        // A machine without the file has neither of the users that are looked for.
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        decide(Account::own(), owner, &passwd)
    }
}

fn decide(
    own: Account,
    owner: Option<(&Path, Account)>,
    passwd: &str,
) -> Result<Accounts, AccountError> {
    let both = |account| Accounts {
        initdb: account,
        postgres: account,
    };
    match owner {
        Some((folder, owner)) if own.uid != 0 && owner.uid != own.uid => {
            Err(AccountError::OtherOwner {
                folder: folder.to_owned(),
                owner: owner.uid,
                us: own.uid,
            })
        }
        _ if own.uid != 0 => Ok(both(own)),
        Some((folder, owner)) if owner.uid == 0 => {
            Err(AccountError::OwnedByRoot(folder.to_owned()))
        }
        // The server must own its folder, whatever users have come and gone since.
        Some((_, owner)) => Ok(both(owner)),
        None => find(passwd, "postgres")
            .map(both)
            .or_else(|| {
                find(passwd, "nobody").map(|nobody| Accounts {
                    initdb: nobody,
                    postgres: PRIVATE,
                })
            })
            .ok_or(AccountError::NoUser),
    }
}

fn find(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Account = Account { uid: 0, gid: 0 };
    const ANN: Account = Account {
        uid: 1000,
        gid: 1000,
    };
    const POSTGRES: Account = Account { uid: 101, gid: 104 };
    const NOBODY: Account = Account {
        uid: 65534,
        gid: 65534,
    };
    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";

    fn with_postgres() -> String {
        format!("{PASSWD}postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n")
    }

    #[test]
    fn an_ordinary_user_stays_itself() {
        let accounts = decide(ANN, None, &with_postgres()).unwrap();

        assert_eq!((accounts.initdb, accounts.postgres), (ANN, ANN));
    }

    #[test]
    fn root_becomes_postgres_where_that_user_exists() {
        let accounts = decide(ROOT, None, &with_postgres()).unwrap();

        assert_eq!((accounts.initdb, accounts.postgres), (POSTGRES, POSTGRES));
    }

    #[test]
    fn root_without_a_user_postgres_runs_as_a_private_user() {
        let accounts = decide(ROOT, None, PASSWD).unwrap();

        assert_eq!((accounts.initdb, accounts.postgres), (NOBODY, PRIVATE));
    }

    #[test]
    fn root_without_any_fit_user_is_told_what_to_make() {
        let error = decide(ROOT, None, "root:x:0:0::/root:/bin/sh\n").unwrap_err();

        assert!(error.to_string().contains("make a user `postgres`"));
    }

    #[test]
    fn an_existing_folder_is_run_by_its_owner() {
        let folder = Path::new("/data/postgres");

        let accounts = decide(ROOT, Some((folder, PRIVATE)), &with_postgres()).unwrap();

        assert_eq!(accounts.postgres, PRIVATE);
        assert!(matches!(
            decide(ROOT, Some((folder, ROOT)), PASSWD),
            Err(AccountError::OwnedByRoot(_))
        ));
        let error = decide(ANN, Some((folder, POSTGRES)), PASSWD).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`/data/postgres` belongs to user 101, and Skep runs as user 1000: run Skep as user \
             101, or give it a folder of its own with --data"
        );
    }
}
