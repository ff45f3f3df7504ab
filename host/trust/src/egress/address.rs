//! Which addresses are the internet's (IANA special-purpose registries, RFC 6890, and the transition mechanisms that carry an IPv4 address
//! inside an IPv6 one). Written as what is allowed for IPv6, so that a range of tomorrow is refused until somebody looks at it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Prefixes of IPv4 that are not the internet's.
const V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),        // this network; 0.0.0.0 reaches this machine
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // carrier-grade NAT, RFC 6598; Alibaba's metadata 100.100.100.200
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's metadata, in the middle of public addresses
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local, metadata 169.254.169.254
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments, RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation, RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays, RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarking, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3),      // multicast, reserved, broadcast
];

/// Prefixes of IPv6 within 2000::/3 that are not the internet's. All else outside 2000::/3 is refused: loopback, v4-mapped and v4-compatible,
/// NAT64 (64:ff9b::/96, 64:ff9b:1::/48), unique local (fd00:ec2::254), link-local, multicast.
const V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments: Teredo, benchmarking, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation, RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, RFC 3056
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation, RFC 9637
];

/// Whether an address belongs to the internet: global unicast that no special registry claims.
pub(super) fn is_internet(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !V4.iter().any(|(net, bits)| (address.to_bits() ^ net.to_bits()) >> (32 - bits) == 0),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            bits >> 125 == 1 && !isatap(address) && !V6.iter().any(|(net, length)| (bits ^ net.to_bits()) >> (128 - length) == 0)
        }
    }
}

/// ISATAP (RFC 5214 §6.1): any prefix, then 0:5efe or 200:5efe, then an IPv4 address.
fn isatap(address: Ipv6Addr) -> bool {
    let [.., high, low, _, _] = address.segments();
    high & !0x0200 == 0 && low == 0x5efe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::is_internet;

    fn internet(address: &str) -> bool {
        is_internet(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_internet_are_reached() {
        for address in
            ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.17.0.1"]
        {
            assert!(internet(address), "{address}");
        }
        for address in ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "2001:200::1", "3fff:1000::1", "2003::1"]
        {
            assert!(internet(address), "{address}");
        }
    }

    #[test]
    fn addresses_of_this_machine_its_network_and_its_cloud_are_not() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!internet(address), "{address}");
        }
        for address in [
            "::",
            "::1",
            "fd00:ec2::254",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
        ] {
            assert!(!internet(address), "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_is_not_a_way_around() {
        for address in [
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2606:4700::5efe:7f00:1",
            "2606:4700::200:5efe:7f00:1",
            "2001:2::1",
            "2001:20::1",
        ] {
            assert!(!internet(address), "{address}");
        }
    }

    proptest! {
        #[test]
        fn no_ipv6_address_outside_global_unicast_is_reached(high in 0x4000_u16.., rest in any::<[u16; 7]>()) {
            let [b, c, d, e, f, g, h] = rest;
            assert!(!is_internet(std::net::Ipv6Addr::new(high, b, c, d, e, f, g, h).into()));
            assert!(!is_internet(std::net::Ipv6Addr::new(high >> 3 & 0x1fff, b, c, d, e, f, g, h).into()));
        }
    }
}
