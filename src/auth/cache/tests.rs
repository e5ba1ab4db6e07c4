use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::auth::identity::Via;
use crate::ids::{SessionId, UserId};

fn identity(username: &str) -> Arc<Identity> {
    Arc::new(Identity {
        user: UserId(Uuid::nil()),
        username: username.to_owned(),
        roles: BTreeSet::new(),
        permissions: BTreeSet::new(),
        via: Via::Session(SessionId(Uuid::nil())),
        expires_at: None,
    })
}

fn numbered(number: usize) -> Digest {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_le_bytes());
    digest
}

#[test]
fn an_identity_is_kept_for_two_seconds_and_no_longer() {
    let cache = Cache::new();
    let start = Instant::now();
    cache.insert([1; 32], identity("anna"), cache.mark(start));

    assert!(cache.get(&[1; 32], start).is_some());
    assert!(cache.get(&[2; 32], start).is_none());
    assert!(cache.get(&[1; 32], start + LIFETIME).is_none());
    assert!(cache.get(&[1; 32], start + LIFETIME * 2).is_none());
}

#[test]
fn one_caller_refreshes_an_old_identity_while_the_others_use_it() {
    let cache = Cache::new();
    let start = Instant::now();
    cache.insert([1; 32], identity("anna"), cache.mark(start));
    let old = start + STALE;

    assert!(cache.get(&[1; 32], old).is_none());
    assert!(cache.get(&[1; 32], old).is_some());

    cache.insert([1; 32], identity("anna"), cache.mark(old));
    assert!(cache.get(&[1; 32], old).is_some());
}

#[test]
fn what_was_forgotten_during_a_lookup_does_not_come_back() {
    let cache = Cache::new();
    let now = Instant::now();
    let mark = cache.mark(now);

    cache.clear();
    cache.insert([1; 32], identity("anna"), mark);

    assert!(cache.get(&[1; 32], now).is_none());
}

#[test]
fn a_slow_lookup_counts_from_when_it_began() {
    let cache = Cache::new();
    let start = Instant::now();
    let mark = cache.mark(start);

    cache.insert([1; 32], identity("anna"), mark);

    assert!(cache.get(&[1; 32], start + LIFETIME).is_none());
}

#[test]
fn the_cache_is_bounded_and_drops_the_oldest_first() {
    let cache = Cache::new();
    let start = Instant::now();
    for number in 0..CAPACITY {
        cache.insert(numbered(number), identity("anna"), cache.mark(start));
    }
    let later = start + LIFETIME;

    cache.insert(numbered(CAPACITY), identity("bert"), cache.mark(later));

    assert_eq!(cache.inner.read().unwrap().entries.len(), 1);
    for number in 0..CAPACITY * 2 {
        cache.insert(numbered(number), identity("anna"), cache.mark(later));
    }
    assert!(cache.inner.read().unwrap().entries.len() <= CAPACITY);
}

#[test]
#[ignore = "a measurement; run it with --release --nocapture"]
fn a_cached_lookup_costs_well_under_two_microseconds() {
    let cache = Cache::new();
    let credential = "x".repeat(260);
    let now = Instant::now();
    cache.insert(
        crate::auth::token::digest(&credential),
        identity("anna"),
        cache.mark(now),
    );
    let rounds = 1_000_000;

    let start = Instant::now();
    for _ in 0..rounds {
        let digest = crate::auth::token::digest(&credential);
        assert!(cache.get(&digest, now).is_some());
    }

    println!("{:?} a lookup", start.elapsed() / rounds);
}
