use super::*;

fn secret(text: &str) -> SecretString {
    text.into()
}

#[test]
fn a_password_has_ten_characters_to_a_kilobyte() {
    assert_eq!(admit(&secret("123456789")), Err(Unsuitable::Short));
    assert_eq!(admit(&secret("1234567890")), Ok(()));
    // Characters count, not bytes.
    assert_eq!(admit(&secret("äöüäöüäöü")), Err(Unsuitable::Short));
    assert_eq!(admit(&secret(&"a".repeat(1024))), Ok(()));
    assert_eq!(admit(&secret(&"a".repeat(1025))), Err(Unsuitable::Long));
    assert_eq!(
        Unsuitable::Short.to_string(),
        "the password is too short: use at least 10 characters"
    );
}

#[tokio::test]
async fn a_hash_matches_its_own_password_only() {
    let passwords = Passwords::new();
    let hash = passwords
        .hash(secret("correct horse"), &Entropy)
        .await
        .unwrap();
    let matches = async |password: &str, hash: Option<&str>| {
        let turn = passwords.turn().await.unwrap();
        turn.matches(secret(password), hash.map(SecretString::from))
            .await
            .unwrap()
    };

    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    assert!(matches("correct horse", Some(&hash)).await);
    assert!(!matches("correct horsf", Some(&hash)).await);
    assert!(!matches("", Some(&hash)).await);
    assert!(!matches("correct horse", None).await);
}

#[tokio::test]
async fn two_hashes_of_one_password_differ() {
    let passwords = Passwords::new();

    let one = passwords.hash(secret("correct horse"), &Entropy).await;
    let two = passwords.hash(secret("correct horse"), &Entropy).await;

    assert_ne!(one.unwrap(), two.unwrap());
}

#[tokio::test]
async fn a_broken_hash_is_an_error_and_not_a_match() {
    let turn = Passwords::new().turn().await.unwrap();

    let answer = turn
        .matches(secret("anything at all"), Some(secret("plain")))
        .await;

    assert!(answer.is_err());
}

#[test]
fn comparing_with_nobodys_hash_takes_the_work_of_a_real_one() {
    let hash = PasswordHash::new(NOBODYS_HASH).unwrap();
    let real: PasswordHash = argon2()
        .unwrap()
        .hash_password_with_salt(b"correct horse", &[7; 16])
        .unwrap();

    assert_eq!(hash.algorithm, real.algorithm);
    assert_eq!(hash.version, real.version);
    assert_eq!(hash.params, real.params);
    assert_eq!(
        hash.hash.unwrap().as_bytes().len(),
        real.hash.unwrap().as_bytes().len()
    );
}

#[tokio::test]
async fn only_two_hash_at_once() {
    let passwords = Passwords::new();
    let one = passwords.turn().await.unwrap();
    let _two = passwords.turn().await.unwrap();

    assert_eq!(passwords.0.available_permits(), 0);
    drop(one);
    assert_eq!(passwords.0.available_permits(), 1);
}
