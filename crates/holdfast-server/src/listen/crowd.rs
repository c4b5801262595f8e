//! How many connections each address holds.

use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections by address. An address without one is forgotten.
#[derive(Debug)]
pub struct Crowd {
    of_address_max: usize,
    /// Behind these are many callers each.
    proxies: Vec<IpNet>,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place among its address's. It is free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Crowd {
    pub fn new(of_address_max: usize, proxies: Vec<IpNet>) -> Self {
        Self { of_address_max, proxies, held: Mutex::default() }
    }

    /// A place for one more of this address; `None` when it holds all it may. A proxy may hold all there are.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let is_proxy = self.proxies.iter().any(|network| network.contains(&address.to_canonical()));
        let address = network_of(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_default();
        if *count >= self.of_address_max && !is_proxy {
            return None;
        }
        *count += 1;
        Some(Seat { crowd: Arc::clone(self), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut held = self.crowd.held.lock().unwrap_or_else(PoisonError::into_inner);
        let left = held.get(&self.address).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            held.remove(&self.address);
        } else {
            held.insert(self.address, left);
        }
    }
}

/// Whoever has one IPv6 address has the 2^64 around it: they count as one. An IPv4 address in IPv6's clothes is itself.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let mut octets = six.octets();
            octets[8..].fill(0);
            IpAddr::from(octets)
        }
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_so_many_and_is_forgotten_afterwards() {
        let crowd = Arc::new(Crowd::new(2, vec!["10.0.0.0/8".parse().expect("a network")]));
        let at = |text: &str| text.parse::<IpAddr>().expect("an address");
        let first = crowd.enter(at("192.0.2.1")).expect("a place");
        let second = crowd.enter(at("::ffff:192.0.2.1")).expect("a place");
        assert!(crowd.enter(at("192.0.2.1")).is_none());
        let _other = crowd.enter(at("192.0.2.2")).expect("another address has its own");
        let proxied = [(); 5].map(|()| crowd.enter(at("10.1.2.3")).expect("a proxy speaks for many"));
        drop(proxied);
        drop(first);
        let third = crowd.enter(at("192.0.2.1")).expect("a place again");
        drop((second, third));
        assert_eq!(crowd.held.lock().expect("no panic").len(), 1);
    }

    #[test]
    fn neighbours_in_ipv6_are_one() {
        let at = |text: &str| network_of(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:2"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
    }
}
