use std::os::unix::fs::PermissionsExt;

use super::*;

fn host() -> HostKey {
    HostKey::from_bytes([7; 32])
}

fn line(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

fn of_text(text: &str) -> Result<Sealing, KeysError> {
    Sealing::open(None, Some(&SecretString::from(text)), &host())
}

fn seal(sealing: &Sealing, app: &AppName) -> Sealed {
    sealing.seal(label(app), b"the secret", &Entropy).unwrap()
}

fn label(app: &AppName) -> Label<'_> {
    Label {
        app,
        name: "erp",
        version: 3,
    }
}

#[test]
fn what_is_sealed_opens_for_its_own_label_only() {
    let sealing = Sealing::open(None, None, &host()).unwrap();
    let (app, other): (AppName, AppName) = ("app".parse().unwrap(), "other".parse().unwrap());
    let sealed = seal(&sealing, &app);

    let opened = sealing.unseal(label(&app), &sealed).unwrap();
    assert_eq!(opened.as_slice(), b"the secret");
    let label = label(&app);
    for wrong in [
        Label {
            app: &other,
            ..label
        },
        Label {
            name: "erp2",
            ..label
        },
        Label {
            version: 2,
            ..label
        },
    ] {
        assert_eq!(
            sealing.unseal(wrong, &sealed).unwrap_err(),
            OpenError::Broken
        );
    }
    let mut changed = sealed;
    changed.bytes[0] ^= 1;
    assert_eq!(
        sealing.unseal(label, &changed).unwrap_err(),
        OpenError::Broken
    );
}

#[test]
fn the_same_secret_is_never_sealed_alike() {
    let sealing = Sealing::open(None, None, &host()).unwrap();
    let app = "app".parse().unwrap();

    let (first, second) = (seal(&sealing, &app), seal(&sealing, &app));

    assert_ne!(first.nonce, second.nonce);
    assert_ne!(first.bytes, second.bytes);
}

#[test]
fn the_first_key_seals_and_all_open() {
    let app = "app".parse().unwrap();
    let old = of_text(&line(1)).unwrap();
    let new = of_text(&format!("{}\n{}\n", line(2), line(1))).unwrap();
    let (before, after) = (seal(&old, &app), seal(&new, &app));

    assert_eq!(after.key_id, new.key_id());
    assert_ne!(before.key_id, after.key_id);
    assert!(new.unseal(label(&app), &before).is_ok());
    assert_eq!(
        old.unseal(label(&app), &after).unwrap_err(),
        OpenError::UnknownKey(new.key_id())
    );
}

#[test]
fn the_key_of_the_host_opens_what_was_sealed_before_there_was_another() {
    let app = "app".parse().unwrap();
    let before = seal(&Sealing::open(None, None, &host()).unwrap(), &app);

    let now = of_text(&line(1)).unwrap();

    assert!(now.knows(&before.key_id));
    assert!(now.unseal(label(&app), &before).is_ok());
}

#[test]
fn a_file_is_read_again_and_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let write = |text: String| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write(line(1));
    let sealing = Sealing::open(Some(&file), None, &host()).unwrap();
    let app = "app".parse().unwrap();
    let before = seal(&sealing, &app);

    write(line(2));
    sealing.reload().unwrap();

    assert_ne!(sealing.key_id(), before.key_id);
    assert!(sealing.unseal(label(&app), &before).is_ok());
    write("nonsense".to_owned());
    let now = sealing.key_id();
    assert!(matches!(sealing.reload(), Err(KeysError::Malformed(_))));
    assert_eq!(sealing.key_id(), now);
}

#[test]
fn keys_that_will_not_do_are_refused_without_being_shown() {
    for text in [
        "",
        "short",
        &STANDARD.encode([1; 31]),
        &format!("{} x", line(1)),
    ] {
        let error = of_text(text).unwrap_err().to_string();
        assert_eq!(
            error,
            "the setting `sealing_key` must hold keys of 32 bytes in base64, one a line, the one \
             that seals first"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, line(1)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = Sealing::open(Some(&file), None, &host()).unwrap_err();
    assert!(matches!(error, KeysError::Readable(_, 0o640)), "{error}");
    let both = Sealing::open(Some(&file), Some(&line(1).into()), &host());
    assert!(matches!(both, Err(KeysError::Both)));

    let shown = format!("{:?}", of_text(&line(1)).unwrap());
    assert!(
        !shown.contains(&line(1)) && !shown.contains("1, 1"),
        "{shown}"
    );
}
