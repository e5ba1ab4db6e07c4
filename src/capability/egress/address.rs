//! What kind of place an IP address is, whatever form it is written in.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Anywhere on the internet.
    Global,
    /// A network of one's own.
    Private,
    /// This machine.
    Loopback,
    /// The machines on the same wire, and what answers there for a cloud's control plane.
    LinkLocal,
    /// No machine in particular, which many systems take for this one.
    Unspecified,
    Multicast,
    Broadcast,
    Documentation,
    /// Not for use, or carrying another address in itself.
    Reserved,
}

/// The kinds of IPv4 ranges that are not global, after IANA's registry of special-purpose
/// addresses. The first match decides.
const IPV4: [(Ipv4Net, Reach); 17] = [
    (v4([0, 0, 0, 0], 8), Reach::Unspecified),
    (v4([10, 0, 0, 0], 8), Reach::Private),
    (v4([100, 64, 0, 0], 10), Reach::Private),
    (v4([127, 0, 0, 0], 8), Reach::Loopback),
    // Azure's agents of the host listen here, in an otherwise global range.
    (v4([168, 63, 129, 16], 32), Reach::LinkLocal),
    (v4([169, 254, 0, 0], 16), Reach::LinkLocal),
    (v4([172, 16, 0, 0], 12), Reach::Private),
    (v4([192, 0, 0, 0], 24), Reach::Reserved),
    (v4([192, 0, 2, 0], 24), Reach::Documentation),
    (v4([192, 88, 99, 0], 24), Reach::Reserved),
    (v4([192, 168, 0, 0], 16), Reach::Private),
    (v4([198, 18, 0, 0], 15), Reach::Reserved),
    (v4([198, 51, 100, 0], 24), Reach::Documentation),
    (v4([203, 0, 113, 0], 24), Reach::Documentation),
    (v4([224, 0, 0, 0], 4), Reach::Multicast),
    (v4([255, 255, 255, 255], 32), Reach::Broadcast),
    (v4([240, 0, 0, 0], 4), Reach::Reserved),
];

/// The kinds of IPv6 ranges. What matches none is global inside 2000::/3 and reserved outside.
const IPV6: [(Ipv6Net, Reach); 9] = [
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), Reach::Unspecified),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Reach::Loopback),
    // Teredo and others that carry addresses or identities in themselves.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Reach::Reserved),
    (
        v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
        Reach::Documentation,
    ),
    // 6to4: nobody serves it any more, and it can carry a private address.
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), Reach::Reserved),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Reach::Documentation),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Reach::Private),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Reach::LinkLocal),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Reach::Multicast),
];

const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
/// Addresses in which a translator on the way finds an IPv4 address.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

impl Reach {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        IPV4.iter()
            .find(|(net, _)| net.contains(&address))
            .map_or(Self::Global, |(_, reach)| *reach)
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if let Some(inner) = address.to_ipv4_mapped() {
            return Self::of_v4(inner);
        }
        if NAT64.contains(&address) {
            let [.., a, b, c, d] = address.octets();
            return Self::of_v4(Ipv4Addr::new(a, b, c, d));
        }
        let known = IPV6.iter().find(|(net, _)| net.contains(&address));
        match known {
            Some((_, reach)) => *reach,
            None if GLOBAL_UNICAST.contains(&address) => Self::Global,
            None => Self::Reserved,
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Global => "on the internet",
            Self::Private => "in a private network",
            Self::Loopback => "of the server itself",
            Self::LinkLocal => "of the server's own link",
            Self::Unspecified => "of no machine",
            Self::Multicast => "for multicast",
            Self::Broadcast => "for broadcast",
            Self::Documentation => "for documentation",
            Self::Reserved => "that is reserved",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(text: &str) -> Reach {
        Reach::of(text.parse().unwrap())
    }

    #[test]
    fn addresses_are_what_the_registries_say() {
        for (expected, addresses) in [
            (
                Reach::Global,
                &[
                    "1.1.1.1",
                    "172.32.0.1",
                    "100.128.0.1",
                    "192.0.1.1",
                    "2606:4700::1",
                ][..],
            ),
            (
                Reach::Private,
                &[
                    "10.0.0.1",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.168.1.1",
                    "100.64.0.1",
                    "fd00::1",
                ],
            ),
            (Reach::Loopback, &["127.0.0.1", "127.255.0.3", "::1"]),
            (
                Reach::LinkLocal,
                &["169.254.169.254", "168.63.129.16", "fe80::1", "febf::1"],
            ),
            (Reach::Unspecified, &["0.0.0.0", "0.1.2.3", "::"]),
            (Reach::Multicast, &["224.0.0.1", "239.1.1.1", "ff02::1"]),
            (Reach::Broadcast, &["255.255.255.255"]),
            (
                Reach::Documentation,
                &[
                    "192.0.2.1",
                    "198.51.100.1",
                    "203.0.113.9",
                    "2001:db8::1",
                    "3fff::1",
                ],
            ),
            (
                Reach::Reserved,
                &[
                    "240.0.0.1",
                    "192.0.0.1",
                    "192.88.99.1",
                    "198.19.0.1",
                    "fec0::1",
                    "100::1",
                    "4000::1",
                ],
            ),
        ] {
            for address in addresses {
                assert_eq!(reach(address), expected, "{address}");
            }
        }
    }

    #[test]
    fn an_address_inside_another_is_no_way_around() {
        for (address, expected) in [
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("::ffff:10.1.2.3", Reach::Private),
            ("::ffff:169.254.169.254", Reach::LinkLocal),
            ("::ffff:1.1.1.1", Reach::Global),
            ("64:ff9b::7f00:1", Reach::Loopback),
            ("64:ff9b::101:101", Reach::Global),
            // Local translation, IPv4-compatible, 6to4, Teredo, and SIIT's form.
            ("64:ff9b:1::7f00:1", Reach::Reserved),
            ("::127.0.0.1", Reach::Reserved),
            ("::1.1.1.1", Reach::Reserved),
            ("2002:7f00:1::1", Reach::Reserved),
            ("2001:0:7f00:1::1", Reach::Reserved),
            ("::ffff:0:127.0.0.1", Reach::Reserved),
        ] {
            assert_eq!(reach(address), expected, "{address}");
        }
    }
}
