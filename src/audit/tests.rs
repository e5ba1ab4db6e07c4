use time::macros::datetime;

use super::*;

const START: Place = Place {
    seq: 0,
    hash: [0; 32],
};

fn chain(length: usize) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for number in 0..length {
        let entry = Entry::new(Actor::user("ann", None), "user.create", "user", "ben")
            .with("number", number);
        let previous = links.last().map_or(START, Link::place);
        links.push(entry.link(&previous, datetime!(2026-11-21 12:00:00.000005 UTC)));
    }
    links
}

fn walk(links: &[Link], noted: Option<Place>) -> Result<Place, Broken> {
    let mut walk = Walk::new(START, noted);
    for link in links {
        walk.step(link)?;
    }
    walk.finish()
}

#[test]
fn a_chain_that_nobody_touched_is_whole() {
    let links = chain(3);

    assert_eq!(walk(&links, None), Ok(links[2].place()));
    assert_eq!(walk(&links, Some(links[1].place())), Ok(links[2].place()));
}

#[test]
fn a_change_of_any_field_is_found_at_its_entry() {
    let changes: [fn(&mut Link); 6] = [
        |link| link.actor = "eve".to_owned(),
        |link| link.action = "user.delete".to_owned(),
        |link| link.kind = "role".to_owned(),
        |link| link.subject = "eve".to_owned(),
        |link| link.details = json!({ "number": 7 }),
        |link| link.at += time::Duration::MICROSECOND,
    ];
    for change in changes {
        let mut links = chain(3);
        change(&mut links[1]);
        assert_eq!(walk(&links, None), Err(Broken::Changed(2)));

        // Whoever computes the hash anew breaks the link behind it.
        links[1].hash = links[1].computed();
        assert_eq!(walk(&links, None), Err(Broken::Unlinked(3)));
    }
}

#[test]
fn a_missing_entry_is_found() {
    let mut links = chain(3);
    links.remove(1);
    assert_eq!(walk(&links, None), Err(Broken::Missing(2)));
}

#[test]
fn an_end_that_is_cut_off_is_found_by_a_place_that_was_noted() {
    let links = chain(3);
    let noted = links[2].place();

    assert_eq!(walk(&links[..2], None), Ok(links[1].place()));
    assert_eq!(walk(&links[..2], Some(noted)), Err(Broken::Missing(3)));
    let forged = Place {
        hash: [9; 32],
        ..noted
    };
    assert_eq!(walk(&links, Some(forged)), Err(Broken::NotNoted(3)));
}

#[test]
fn an_entry_is_hashed_as_json_with_sorted_keys() {
    let token = TokenId(uuid::Uuid::nil());
    let link = Entry::new(
        Actor::user("ann", Some(token)),
        "user.create",
        "user",
        "ben",
    )
    .with("b", vec![1, 2])
    .with("a", "ü\n")
    .link(&START, datetime!(2026-11-21 12:00 UTC));

    let zeros = "0".repeat(64);
    let content = format!(
        "{{\"action\":\"user.create\",\"actor\":\"ann\",\"at\":\"2026-11-21T12:00:00.000000Z\",\
         \"details\":{{\"a\":\"ü\\n\",\"b\":[1,2],\
         \"token\":\"00000000-0000-0000-0000-000000000000\"}},\
         \"previous\":\"{zeros}\",\"seq\":1,\"subject\":\"ben\",\"subject_kind\":\"user\"}}"
    );
    assert_eq!(<Hash>::from(Sha256::digest(content.as_bytes())), link.hash);
    assert!(link.line().contains(&hex(&link.hash)));
}
