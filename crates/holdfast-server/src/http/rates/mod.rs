//! How often somebody may ask: an address, before anything of the request is looked at, and a device, once its signature is proven, so
//! that nobody uses up what is another's. The arithmetic is `governor`'s (GCRA); docs/decisions/rate-limits.md says why it is so.

mod remembered;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::{Quota, RateLimiter};
use holdfast_core::id::DeviceId;
use holdfast_core::limits::{
    RATE_BATCHES_OF_DEVICE, RATE_OTHERS_OF_ADDRESS, RATE_REMEMBERED_MAX, RATE_REQUESTS_OF_DEVICE, RATE_SALES_OF_DEVICE,
    RATE_SIGN_INS_OF_ADDRESS, RATE_TILLS_OF_ADDRESS, Rate,
};
use remembered::Remembered;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// What is counted together of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What tills ask for.
    Tills,
    /// What tries a password, a code or a one-time link.
    SignIns,
    /// Files, pages, programs.
    Others,
}

/// What is counted together of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceLane {
    /// One payment alone: somebody stands at the counter.
    Sales,
    /// A queue that is worked off.
    Batches,
    Requests,
}

/// Somebody is to come again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// The limit's name, as the metrics have it.
    pub limit: &'static str,
    pub wait_ms: i64,
}

type Limiter<K, C> = RateLimiter<K, Remembered<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The limits of one server. Replicas count each for itself.
pub struct Rates<C: Clock = MonotonicClock> {
    tills: Limiter<IpAddr, C>,
    sign_ins: Limiter<IpAddr, C>,
    others: Limiter<IpAddr, C>,
    sales: Limiter<DeviceId, C>,
    batches: Limiter<DeviceId, C>,
    requests: Limiter<DeviceId, C>,
}

impl<C: Clock + Clone> Rates<C> {
    pub fn new(clock: C) -> Self {
        Self {
            tills: limiter(RATE_TILLS_OF_ADDRESS, &clock),
            sign_ins: limiter(RATE_SIGN_INS_OF_ADDRESS, &clock),
            others: limiter(RATE_OTHERS_OF_ADDRESS, &clock),
            sales: limiter(RATE_SALES_OF_DEVICE, &clock),
            batches: limiter(RATE_BATCHES_OF_DEVICE, &clock),
            requests: limiter(RATE_REQUESTS_OF_DEVICE, &clock),
        }
    }
}

impl<C: Clock> Rates<C> {
    /// Counts a request of an address; of IPv6 give its network.
    ///
    /// # Errors
    /// [`Limited`] when it asked too often. Such a request is not counted.
    pub fn of_address(&self, lane: Lane, address: IpAddr) -> Result<(), Limited> {
        match lane {
            Lane::Tills => count(&self.tills, &address, "tills-of-address"),
            Lane::SignIns => count(&self.sign_ins, &address, "sign-ins-of-address"),
            Lane::Others => count(&self.others, &address, "others-of-address"),
        }
    }

    /// Counts a request of a device that has proven itself.
    ///
    /// # Errors
    /// [`Limited`] when it asked too often. Such a request is not counted.
    pub fn of_device(&self, lane: DeviceLane, id: DeviceId) -> Result<(), Limited> {
        match lane {
            DeviceLane::Sales => count(&self.sales, &id, "sales-of-device"),
            DeviceLane::Batches => count(&self.batches, &id, "batches-of-device"),
            DeviceLane::Requests => count(&self.requests, &id, "requests-of-device"),
        }
    }
}

fn limiter<K: Clone + Eq + Hash, C: Clock + Clone>(rate: Rate, clock: &C) -> Limiter<K, C> {
    let number = |of: u32| NonZeroU32::new(of).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::per_second(number(rate.per_second)).allow_burst(number(rate.burst));
    RateLimiter::new(quota, Remembered::new(RATE_REMEMBERED_MAX), clock.clone())
}

fn count<K: Clone + Eq + Hash, C: Clock>(limiter: &Limiter<K, C>, key: &K, limit: &'static str) -> Result<(), Limited> {
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(limiter.clock().now());
        Limited { limit, wait_ms: i64::try_from(wait.as_millis()).unwrap_or(i64::MAX) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use std::time::Duration;

    #[test]
    fn a_burst_is_let_in_then_so_many_a_second_and_lanes_hold_up_only_themselves() {
        let clock = FakeRelativeClock::default();
        let rates = Rates::new(clock.clone());
        let (device, other) = (DeviceId::make([1; 16]), DeviceId::make([2; 16]));
        for lane in [DeviceLane::Sales, DeviceLane::Batches, DeviceLane::Requests] {
            let rate = match lane {
                DeviceLane::Sales => RATE_SALES_OF_DEVICE,
                DeviceLane::Batches => RATE_BATCHES_OF_DEVICE,
                DeviceLane::Requests => RATE_REQUESTS_OF_DEVICE,
            };
            for n in 0..rate.burst {
                assert_eq!(rates.of_device(lane, device), Ok(()), "{lane:?} {n}");
            }
            let refused = rates.of_device(lane, device).expect_err("that was the last");
            assert!(refused.wait_ms <= i64::from(1_000 / rate.per_second), "{refused:?}");
            assert_eq!(rates.of_device(lane, other), Ok(()), "{lane:?} of another device");
        }
        clock.advance(Duration::from_secs(1));
        let let_in = (0..1_000).filter(|_| rates.of_device(DeviceLane::Batches, device).is_ok()).count();
        assert_eq!(let_in, RATE_BATCHES_OF_DEVICE.per_second as usize);
        clock.advance(Duration::from_secs(3_600));
        let let_in = (0..1_000).filter(|_| rates.of_device(DeviceLane::Batches, device).is_ok()).count();
        assert_eq!(let_in, RATE_BATCHES_OF_DEVICE.burst as usize, "an idle hour saves up no more than a burst");
    }

    #[test]
    fn an_address_that_reads_much_keeps_no_till_out() {
        let rates = Rates::new(FakeRelativeClock::default());
        let address = IpAddr::from([192, 0, 2, 1]);
        while rates.of_address(Lane::Others, address).is_ok() {}
        while rates.of_address(Lane::SignIns, address).is_ok() {}
        assert_eq!(rates.of_address(Lane::Tills, address), Ok(()));
        assert_eq!(rates.of_address(Lane::Others, IpAddr::from([192, 0, 2, 2])), Ok(()));
        let refused = rates.of_address(Lane::SignIns, address).expect_err("still");
        assert_eq!((refused.limit, refused.wait_ms), ("sign-ins-of-address", 200));
    }
}
