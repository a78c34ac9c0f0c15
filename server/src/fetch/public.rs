//! Which network addresses are public, with all ways of writing a private one inside another.
//!
//! Source: the special-purpose address registries of IANA (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    const SPECIAL: &[([u8; 4], u32)] = &[
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 31, 196, 0], 24),
        ([192, 52, 193, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([192, 175, 48, 0], 24),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ];
    let number = u32::from(address);
    !SPECIAL.iter().any(|(start, bits)| (number ^ u32::from_be_bytes(*start)) >> (32 - bits) == 0)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let part = address.segments();
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match part {
        // Mapped, translated and (deprecated) compatible IPv4, among them :: and ::1.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => last(high, low),
        // NAT64: an IPv4 address behind a translator.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => last(high, low),
        // 6to4: an IPv4 address in the second and third part.
        [0x2002, high, low, ..] => last(high, low),
        // ISATAP: an IPv4 address at the end of any network.
        [first, .., 0 | 0x200, 0x5efe, high, low] => is_global_unicast(first, part[1]) && last(high, low),
        [first, second, ..] => is_global_unicast(first, second),
    }
}

/// Of what is handed out, 2000::/3, without the parts with a purpose of their own.
fn is_global_unicast(first: u16, second: u16) -> bool {
    let special = match first {
        // Teredo, benchmarks, ORCHID and other assignments of IETF; documentation.
        0x2001 => second < 0x200 || second == 0xdb8,
        // Documentation.
        0x3fff => second < 0x1000,
        _ => false,
    };
    first & 0xe000 == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "0.0.0.0 0.1.2.3 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 \
         172.31.255.255 192.0.0.8 192.0.2.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 \
         224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 \
         ::ffff:0:10.0.0.1 64:ff9b::10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1:: 2002:a00:1::1 2001::1 \
         2001:0:1:2:3:4:5:6 fe80::1 fec0::1 fc00::1 fd12:3456::1 ff02::1 100::1 2001:db8::1 3fff::1 5f00::1 \
         2a00::5efe:10.0.0.1 2a00::200:5efe:192.168.0.1 fe80::5efe:8.8.8.8 2001:10::1 2001:20::1";

    const ALLOWED: &str = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.169.0.1 198.17.0.1 \
         2606:4700:4700::1111 2001:4860:4860::8888 ::ffff:8.8.8.8 2002:808:808::1 64:ff9b::808:808 \
         2a00::5efe:8.8.8.8";

    #[test]
    fn what_is_not_public_is_known_in_every_embedding() {
        for address in REFUSED.split(' ') {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ALLOWED.split(' ') {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
