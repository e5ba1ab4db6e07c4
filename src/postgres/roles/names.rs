//! How an app's roles are called, and what they log in with.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::super::folder::hex;
use super::super::scram;
use crate::ids::AppName;
use crate::services::HostKey;

/// Names in PostgreSQL are cut at this many bytes.
const NAME_LENGTH: usize = 63;
/// What of an app's name is used as it is.
const READABLE: usize = 40;

/// Which of an app's two roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Reads and writes rows; what calls run as.
    App,
    /// Owns the tables; what migrations run as.
    Owner,
}

/// The names of one app's roles.
pub(super) struct Names {
    pub(super) app: String,
    pub(super) owner: String,
}

impl Names {
    /// Names that no other app has, and no other Skep whose database is on the same
    /// server: roles belong to a server, not to one of its databases.
    pub(super) fn new(key: &HostKey, app: &AppName) -> Self {
        let (prefix, slug) = (prefix(key), slug(app.as_str()));
        Self {
            app: format!("{prefix}{slug}_app"),
            owner: format!("{prefix}{slug}_own"),
        }
    }
}

/// What the roles of all apps of this Skep begin with, and nobody else's.
pub(super) fn prefix(key: &HostKey) -> String {
    let tag = key.derive("postgres role names");
    format!("skep_{}_", hex(tag.get(..4).unwrap_or_default()))
}

/// The app's name if it is short and plain; else its beginning and a digest. The dot, which
/// no app's name has, keeps the two kinds apart.
fn slug(name: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if name.len() <= READABLE && name.bytes().all(plain) {
        return name.to_owned();
    }
    let digest = Sha256::digest(name.as_bytes());
    let beginning: String = name.chars().take(16).collect();
    let digest = hex(digest.get(..8).unwrap_or_default());
    format!("{}.{digest}", beginning.to_ascii_lowercase())
}

/// The schema of the app's own, named exactly as the app.
///
/// There is none for a name that PostgreSQL would cut, and so might give to two apps.
pub(crate) fn own_schema(app: &AppName) -> Option<&str> {
    Some(app.as_str()).filter(|name| name.len() <= NAME_LENGTH)
}

/// Whether a schema of the app's name would be one of the host's or the server's.
pub(super) fn is_reserved(app: &AppName) -> bool {
    [
        "skep",
        "skep_jobs",
        "noderouter_core",
        "public",
        "information_schema",
    ]
    .contains(&app.as_str())
}

/// What a role logs in with.
pub(super) fn password(key: &HostKey, role: &str) -> SecretString {
    SecretString::from(hex(key.derive(&format!("postgres role {role}")).as_slice()))
}

/// What proves to the database that it is the host, and not a session of the app, who says what a
/// job of the app is to be.
pub(super) fn queue_secret(key: &HostKey, role: &str) -> Vec<u8> {
    key.derive(&format!("queue of {role}")).to_vec()
}

/// What the server keeps of a role's password.
pub(super) fn verifier(key: &HostKey, names: &Names, role: Role) -> String {
    let role = match role {
        Role::App => &names.app,
        Role::Owner => &names.owner,
    };
    // Always the same for one role, so that nodes that repeat this change nothing.
    let mut salt = [0; 16];
    for (byte, derived) in salt
        .iter_mut()
        .zip(key.derive(&format!("postgres salt {role}")).iter())
    {
        *byte = *derived;
    }
    scram::verifier(password(key, role).expose_secret(), salt)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(app: &str) -> Names {
        Names::new(&HostKey::from_bytes([1; 32]), &app.parse().unwrap())
    }

    #[test]
    fn a_plain_name_stays_readable() {
        let names = names("item_master-2");

        assert!(names.app.ends_with("_item_master-2_app"), "{}", names.app);
        assert!(
            names.owner.ends_with("_item_master-2_own"),
            "{}",
            names.owner
        );
    }

    #[test]
    fn apps_that_differ_in_case_alone_differ_in_roles() {
        assert_ne!(
            names("Sales").app.to_lowercase(),
            names("sales").app.to_lowercase()
        );
        assert_ne!(
            names("Sales").app.to_lowercase(),
            names("sALES").app.to_lowercase()
        );
    }

    #[test]
    fn two_hosts_on_one_server_share_no_role() {
        let app: AppName = "sales".parse().unwrap();
        let [one, two] = [[1; 32], [2; 32]].map(|key| Names::new(&HostKey::from_bytes(key), &app));

        assert_ne!(one.app, two.app);
        assert_ne!(one.owner, two.owner);
    }

    #[test]
    fn a_name_that_would_be_cut_has_no_schema() {
        assert_eq!(
            own_schema(&"a".repeat(63).parse().unwrap()),
            Some(&*"a".repeat(63))
        );
        assert_eq!(own_schema(&"a".repeat(64).parse().unwrap()), None);
    }

    proptest! {
        #[test]
        fn a_role_name_is_never_cut_and_never_shared(
            one in "[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}",
            two in "[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}",
        ) {
            prop_assume!(one != two);
            let (one, two) = (names(&one), names(&two));
            let all = [&one.app, &one.owner, &two.app, &two.owner];
            for (index, name) in all.iter().enumerate() {
                prop_assert!(name.len() <= NAME_LENGTH);
                prop_assert!(all.iter().skip(index + 1).all(|other| other != name));
            }
        }
    }
}
