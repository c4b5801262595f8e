//! Who calls: the address at the other end of the connection, or the one that a trusted proxy names in its stead.

use crate::listen::network_of;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The header in which the proxies write whom they speak for. Only that one is read: the other may come from the caller, passed on unread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, a list of addresses.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies that are believed.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: ProxyHeader,
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub address: IpAddr,
    /// The connection is a trusted proxy's.
    pub is_proxied: bool,
}

impl Caller {
    /// What counts as one caller: an address, of IPv6 its network.
    pub fn network(self) -> IpAddr {
        network_of(self.address)
    }
}

impl Proxies {
    pub fn new(trusted: Vec<IpNet>, header: ProxyHeader) -> Self {
        Self { trusted, header }
    }

    /// The right-most address that is not a trusted proxy's own: everything left of it may be made up. Where the list breaks off or cannot be
    /// read, whoever wrote what is right of it is the caller, as far as is known.
    pub fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> Caller {
        let mut address = peer.to_canonical();
        let is_proxied = self.trusts(address);
        if is_proxied {
            for named in self.named(headers) {
                let Some(named) = named else { break };
                address = named;
                if !self.trusts(address) {
                    break;
                }
            }
        }
        Caller { address, is_proxied }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The addresses that the header names, from the right; `None` for what is none.
    fn named<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = Option<IpAddr>> + use<'a> {
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.header {
            ProxyHeader::XForwardedFor => (HeaderName::from_static("x-forwarded-for"), node),
            ProxyHeader::Forwarded => (HeaderName::from_static("forwarded"), forwarded),
        };
        let lines = headers.get_all(name).iter().rev();
        lines.flat_map(move |line| line.to_str().unwrap_or_default().rsplit(',').map(move |entry| read(entry.trim())))
    }
}

/// An address as proxies write it: alone, with a port, an IPv6 one with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().map(|address| address.ip()).ok());
    address.map(|address| address.to_canonical())
}

/// One element of a `Forwarded`. A comma within quotes would cut it in two; no address has one, so the half is none.
fn forwarded(element: &str) -> Option<IpAddr> {
    let element = rfc7239::parse(element).next()?.ok()?;
    element.forwarded_for?.ip().map(IpAddr::to_canonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const TRUSTED: [&str; 3] = ["10.0.0.0/8", "192.0.2.7/32", "2001:db8:aa::/48"];

    /// Who calls, by what this peer says.
    fn check(header: ProxyHeader, peer: &str, lines: &[&str], wanted: &str) {
        let trusted = TRUSTED.iter().map(|text| text.parse().expect("a network")).collect();
        let proxies = Proxies::new(trusted, header);
        let name = if header == ProxyHeader::Forwarded { "forwarded" } else { "x-forwarded-for" };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line.as_bytes()).expect("a value"));
        }
        // What the proxy does not write is the caller's own invention.
        let other = if header == ProxyHeader::Forwarded { "x-forwarded-for" } else { "forwarded" };
        headers.append(other, HeaderValue::from_static("for=203.0.113.66, 203.0.113.66"));
        let caller = proxies.caller(peer.parse().expect("an address"), &headers);
        assert_eq!(caller.address.to_string(), wanted, "{peer} says {lines:?}");
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_calls() {
        use ProxyHeader::XForwardedFor as Listed;
        for (peer, lines, wanted) in [
            // A stranger says what it likes.
            ("198.51.100.1", &["203.0.113.9"][..], "198.51.100.1"),
            ("198.51.100.1", &[], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("192.0.2.7", &["203.0.113.9"], "203.0.113.9"),
            ("192.0.2.8", &["203.0.113.9"], "192.0.2.8"),
            // What the caller sent itself stands left of what a proxy wrote.
            ("10.0.0.1", &["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["127.0.0.1", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9", "not an address"], "10.0.0.1"),
            // Proxies one behind the other.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.2.3.4, 192.0.2.7"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9", "10.2.3.4"], "203.0.113.9"),
            // Nobody but proxies: the first of them calls.
            ("10.0.0.1", &["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            // Broken: whoever wrote the last that can be read.
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9,"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, unknown, 10.2.3.4"], "10.2.3.4"),
            ("10.0.0.1", &["203.0.113.9 10.2.3.4"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.999"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9\u{e9}"], "10.0.0.1"),
            ("10.0.0.1", &["<script>"], "10.0.0.1"),
            // With ports, with brackets, in IPv6's clothes.
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["2001:db8::9"], "2001:db8::9"),
            ("10.0.0.1", &["[2001:db8::9]"], "2001:db8::9"),
            ("10.0.0.1", &["[2001:db8::9]:4711"], "2001:db8::9"),
            ("10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("2001:db8:aa::1", &["203.0.113.9, 2001:db8:aa::2"], "203.0.113.9"),
        ] {
            check(Listed, peer, lines, wanted);
        }
        let many = "10.1.1.1,".repeat(5_000) + "10.2.3.4";
        check(Listed, "10.0.0.1", &[&many], "10.1.1.1");
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_says() {
        use ProxyHeader::Forwarded;
        for (lines, wanted) in [
            (&["for=203.0.113.9"][..], "203.0.113.9"),
            (&["For=203.0.113.9;proto=https;by=10.0.0.1;host=till.example"], "203.0.113.9"),
            (&["for=1.1.1.1, for=203.0.113.9;by=10.2.3.4, for=10.2.3.4"], "203.0.113.9"),
            (&["for=1.1.1.1", "for=203.0.113.9"], "203.0.113.9"),
            (&["for=\"203.0.113.9:4711\""], "203.0.113.9"),
            (&["for=\"[2001:db8::9]\""], "2001:db8::9"),
            (&["for=\"[2001:db8::9]:4711\";proto=https"], "2001:db8::9"),
            // Hidden, unknown, broken.
            (&["for=203.0.113.9, for=unknown"], "10.0.0.1"),
            (&["for=_hidden"], "10.0.0.1"),
            (&["for=203.0.113.9, proto=https"], "10.0.0.1"),
            (&["203.0.113.9"], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            // A quote that the caller leaves open does not reach what the proxy added.
            (&["for=\"1.1.1.1, for=203.0.113.9"], "203.0.113.9"),
            (&["for=\"1.1.1.1", "for=203.0.113.9"], "203.0.113.9"),
        ] {
            check(Forwarded, "10.0.0.1", lines, wanted);
        }
    }

    #[test]
    fn without_trusted_proxies_nobody_is_believed() {
        let headers =
            HeaderMap::from_iter([(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static("1.1.1.1"))]);
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(Proxies::default().caller(peer, &headers), Caller { address: peer, is_proxied: false });
    }
}
