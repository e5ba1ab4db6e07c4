use super::*;

fn rule(origin: &str, private: bool) -> Egress {
    Egress {
        origin: origin.parse().unwrap(),
        private,
    }
}

fn ask(granted: &str, scheme: &str, authority: &str) -> Result<(), Refused> {
    let granted = [rule("https://other.example", false), rule(granted, false)];
    let admitted = admit(&granted, &Method::GET, scheme, authority)?;
    assert_eq!(admitted, &granted[1]);
    Ok(())
}

#[test]
fn a_granted_place_is_found_however_it_is_written() {
    for (granted, scheme, authority) in [
        ("https://api.example.com", "https", "api.example.com"),
        ("https://api.example.com", "https", "API.Example.COM"),
        ("https://api.example.com", "https", "api.example.com:443"),
        ("https://api.example.com", "https", "api.example.com."),
        ("https://api.example.com.", "https", "api.example.com"),
        (
            "http://api.example.com:8080",
            "http",
            "api.example.com:8080",
        ),
        ("https://bücher.example", "https", "xn--bcher-kva.example"),
        ("http://127.0.0.1:81", "http", "127.0.0.1:81"),
        ("http://127.0.0.1:81", "http", "0x7f.1:81"),
        ("http://127.0.0.1:81", "http", "2130706433:81"),
        ("http://127.0.0.1:81", "http", "0177.0.0.1:81"),
        ("http://127.0.0.1:81", "http", "127.0.0.1.:81"),
        ("http://127.0.0.1:81", "http", "[::ffff:127.0.0.1]:81"),
        ("http://[::1]", "http", "[0:0:0:0:0:0:0:1]:80"),
    ] {
        assert_eq!(ask(granted, scheme, authority), Ok(()), "{authority}");
    }
}

#[test]
fn every_other_place_is_refused() {
    for (granted, scheme, authority) in [
        ("https://api.example.com", "http", "api.example.com"),
        ("https://api.example.com", "http", "api.example.com:443"),
        ("https://api.example.com", "https", "api.example.com:8443"),
        ("https://api.example.com", "https", "example.com"),
        ("https://api.example.com", "https", "x.api.example.com"),
        (
            "https://api.example.com",
            "https",
            "api.example.com.evil.example",
        ),
        ("https://api.example.com", "https", "api.example.co"),
        ("https://api.example.com", "https", "xn--api-.example.com"),
        ("http://127.0.0.1", "http", "127.0.0.2"),
        ("http://127.0.0.1", "http", "localhost"),
        ("http://127.0.0.1", "http", "[::1]"),
        // IPv4-compatible and NAT64 forms are other addresses.
        ("http://127.0.0.1", "http", "[::127.0.0.1]"),
        ("http://127.0.0.1", "http", "[64:ff9b::7f00:1]"),
    ] {
        assert!(
            matches!(
                ask(granted, scheme, authority),
                Err(Refused::NotGranted(_) | Refused::Address(_))
            ),
            "{authority}"
        );
    }
}

#[test]
fn an_address_with_more_than_scheme_host_and_port_is_refused() {
    for (authority, expected) in [
        ("user@api.example.com", OriginError::MoreThanOrigin),
        ("user:secret@api.example.com", OriginError::MoreThanOrigin),
        ("@api.example.com", OriginError::MoreThanOrigin),
        ("api.example.com@evil.example", OriginError::MoreThanOrigin),
        ("evil.example#@api.example.com", OriginError::MoreThanOrigin),
        ("api.example.com/path", OriginError::MoreThanOrigin),
        ("api.example.com\\@evil.example", OriginError::NotAUrl),
        ("api.example.com\t", OriginError::NotAUrl),
        ("api.example.com..", OriginError::NotAUrl),
        ("", OriginError::NotAUrl),
        (".", OriginError::NotAUrl),
        ("*.example.com", OriginError::Wildcard),
    ] {
        let refused = ask("https://api.example.com", "https", authority);

        assert_eq!(refused, Err(Refused::Address(expected)), "{authority:?}");
        assert!(!refused.unwrap_err().to_string().contains("secret"));
    }
    assert_eq!(
        ask("https://api.example.com", "ftp", "api.example.com"),
        Err(Refused::Address(OriginError::Scheme))
    );
}

#[test]
fn tunnels_are_refused() {
    let granted = [rule("https://api.example.com", false)];

    let refused = admit(&granted, &Method::CONNECT, "https", "api.example.com");

    assert_eq!(refused, Err(Refused::Method(Method::CONNECT)));
}

fn lead(origin: &str, private: bool, addresses: &[&str]) -> Result<(), Refused> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    admit_addresses(&rule(origin, private), &addresses)
}

#[test]
fn a_name_leads_to_the_internet_and_where_granted_into_private_networks() {
    let name = "https://api.example.com";

    assert_eq!(lead(name, false, &["1.1.1.1", "2606:4700::1"]), Ok(()));
    assert_eq!(lead(name, true, &["10.0.0.1", "fd00::1"]), Ok(()));
    assert_eq!(
        lead(name, false, &["10.0.0.1"]),
        Err(Refused::Private(name.parse().unwrap()))
    );
}

#[test]
fn a_name_never_leads_to_the_server_itself_or_its_link_or_nowhere() {
    for private in [false, true] {
        for address in [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "fe80::1",
            "::ffff:127.0.0.1",
        ] {
            let refused = lead("https://api.example.com", private, &[address]);
            assert!(matches!(refused, Err(Refused::Near { .. })), "{address}");
        }
        for address in [
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "2002::1",
        ] {
            let refused = lead("https://api.example.com", private, &[address]);
            assert!(matches!(refused, Err(Refused::Nowhere { .. })), "{address}");
        }
    }
}

#[test]
fn one_bad_address_spoils_an_answer() {
    for addresses in [["1.1.1.1", "127.0.0.1"], ["127.0.0.1", "1.1.1.1"]] {
        let refused = lead("https://api.example.com", false, &addresses);

        assert!(matches!(refused, Err(Refused::Near { .. })));
    }
}

#[test]
fn an_address_that_is_named_as_such_is_reached() {
    for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254"] {
        assert_eq!(
            lead(&format!("http://{address}"), false, &[address]),
            Ok(())
        );
    }
    assert_eq!(lead("http://[::1]", false, &["::1"]), Ok(()));
    assert!(matches!(
        lead("http://0.0.0.0", true, &["0.0.0.0"]),
        Err(Refused::Nowhere { .. })
    ));
}

#[test]
fn headers_that_say_how_a_message_travels_are_the_hosts() {
    for (name, expected) in [
        ("host", true),
        ("connection", true),
        ("transfer-encoding", true),
        ("upgrade", true),
        ("proxy-authorization", true),
        ("proxy-anything", true),
        ("te", true),
        ("authorization", false),
        ("content-length", false),
        ("x-host", false),
    ] {
        assert_eq!(
            is_hosts_own(&HeaderName::from_static(name)),
            expected,
            "{name}"
        );
    }
}
