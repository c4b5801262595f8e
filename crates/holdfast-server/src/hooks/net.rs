//! Whom a webhook may reach. An owner chooses the address, so without rules it could be made to knock at doors inside the server's own
//! network. A name is resolved once, every address that comes back is judged, and the connection goes to the judged address.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// Networks of version 4 that are not the world (IANA's special-purpose registry), and clouds' addresses for their own machines.
const CLOSED_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];
/// Of version 6 only this is the world: no mapped or translated address, none that is unique-local, link-local or multicast.
const OPEN_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// And of that not protocol assignments (Teredo among them), documentation, and 6to4, which carries an address of version 4.
const CLOSED_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// What is let through beyond the world.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Networks of the shop's own.
    pub allowed: Vec<IpNet>,
    /// This machine, and `http://` to it: for demos and tests.
    pub loopback: bool,
}

/// Why an address is none for webhooks, in words for whoever typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("This is no address. Give one as https://books.example/hooks.")]
    Unreadable,
    #[error("The address must begin with https://.")]
    NotEncrypted,
    #[error("The address must not hold a user, a password or a part behind #.")]
    Credentials,
    #[error("The address leads into a network that webhooks may not reach.")]
    Closed,
}

/// Where a webhook goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The address as it is kept: in the one spelling that every reader takes alike.
    pub url: String,
    pub encrypted: bool,
    pub host: Host<String>,
    pub port: u16,
    /// Host and port as the Host header has them.
    pub authority: String,
    pub path: String,
}

impl Policy {
    /// Parses an address and judges what can be judged without asking anybody.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn target(&self, text: &str) -> Result<Target, UrlError> {
        let url = Url::parse(text).map_err(|_| UrlError::Unreadable)?;
        let host = url.host().ok_or(UrlError::Unreadable)?.to_owned();
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or(UrlError::Unreadable)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(UrlError::Credentials);
        }
        let literal = match &host {
            Host::Ipv4(ip) => Some(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(*ip)),
            Host::Domain(_) => None,
        };
        let encrypted = match url.scheme() {
            "https" => true,
            "http" if self.loopback && is_this_machine(&host) => false,
            "http" => return Err(UrlError::NotEncrypted),
            _ => return Err(UrlError::Unreadable),
        };
        if literal.is_some_and(|ip| !self.lets(ip)) {
            return Err(UrlError::Closed);
        }
        let authority = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(Target { url: url.into(), encrypted, host, port, authority, path })
    }

    /// Whether an address may be reached.
    pub fn lets(&self, ip: IpAddr) -> bool {
        // Written as version 6, it is still the same machine.
        let plain = ip.to_canonical();
        let is_mapped = plain != ip;
        if self.allowed.iter().any(|net| net.contains(&plain)) || (self.loopback && plain.is_loopback()) {
            return true;
        }
        match plain {
            IpAddr::V4(ip) => !is_mapped && !CLOSED_V4.iter().any(|(of, bits)| within_v4(ip, *of, *bits)),
            IpAddr::V6(ip) => {
                within_v6(ip, OPEN_V6.0, OPEN_V6.1) && !CLOSED_V6.iter().any(|(of, bits)| within_v6(ip, *of, *bits))
            }
        }
    }

    /// Whether a name that leads to these addresses may be called. One that also leads inside is not trusted with any of them.
    pub fn lets_all(&self, addresses: &[SocketAddr]) -> bool {
        addresses.iter().all(|address| self.lets(address.ip()))
    }
}

fn is_this_machine(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

fn within_v4(ip: Ipv4Addr, of: Ipv4Addr, bits: u8) -> bool {
    let shift = 32 - u32::from(bits);
    ip.to_bits() >> shift == of.to_bits() >> shift
}

fn within_v6(ip: Ipv6Addr, of: Ipv6Addr, bits: u8) -> bool {
    let shift = 128 - u32::from(bits);
    ip.to_bits() >> shift == of.to_bits() >> shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_world_is_reached() {
        let policy = Policy::default();
        for open in ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450:4001::1", "172.32.0.1", "100.128.0.1"] {
            assert!(policy.lets(open.parse().expect(open)), "{open}");
        }
        for closed in [
            "0.0.0.0",
            "10.1.2.3",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!policy.lets(closed.parse().expect(closed)), "{closed}");
        }
    }

    #[test]
    fn an_address_is_https_and_names_nobody() {
        let policy = Policy::default();
        for (text, error) in [
            ("", UrlError::Unreadable),
            ("books.example", UrlError::Unreadable),
            ("ftp://books.example/", UrlError::Unreadable),
            ("file:///etc/passwd", UrlError::Unreadable),
            ("https://books.example:0/", UrlError::Unreadable),
            ("http://books.example/", UrlError::NotEncrypted),
            ("http://127.0.0.1/", UrlError::NotEncrypted),
            ("https://me@books.example/", UrlError::Credentials),
            ("https://books.example/#x", UrlError::Credentials),
            ("https://127.0.0.1/", UrlError::Closed),
            ("https://2130706433/", UrlError::Closed),
            ("https://0x7f.1/", UrlError::Closed),
            ("https://017700000001/", UrlError::Closed),
            ("https://[::ffff:169.254.169.254]/", UrlError::Closed),
            ("https://[fe80::1]:8443/", UrlError::Closed),
        ] {
            assert_eq!(policy.target(text).expect_err(text), error, "{text}");
        }
        let target = policy.target("https://Books.example:8443/a?b=c").expect("is one");
        assert_eq!((target.authority.as_str(), target.path.as_str()), ("books.example:8443", "/a?b=c"));
        assert!(target.encrypted && target.port == 8443);
    }

    #[test]
    fn one_closed_address_closes_the_name_and_a_shops_own_network_can_be_let_in() {
        let at = |text: &str| SocketAddr::new(text.parse().expect(text), 443);
        let policy = Policy::default();
        assert!(policy.lets_all(&[at("8.8.8.8"), at("2606:4700::1111")]));
        assert!(!policy.lets_all(&[at("8.8.8.8"), at("10.0.0.1")]));
        let own = Policy { allowed: vec!["10.0.0.0/24".parse().expect("a network")], loopback: false };
        assert!(own.lets("10.0.0.7".parse().expect("ip")) && !own.lets("10.0.1.7".parse().expect("ip")));
        assert!(own.lets("::ffff:10.0.0.7".parse().expect("ip")), "the same machine");
        assert!(own.target("http://10.0.0.7/").is_err() && own.target("https://10.0.0.7/").is_ok());
        let demo = Policy { allowed: Vec::new(), loopback: true };
        assert!(demo.target("http://127.0.0.1:9/").is_ok() && demo.target("http://[::1]:9/").is_ok());
        assert!(demo.target("http://10.0.0.7/").is_err() && !demo.lets("169.254.169.254".parse().expect("ip")));
    }
}
