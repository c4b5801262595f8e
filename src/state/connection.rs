//! The loop behind the lamp: probe, believe only proofs, and use every moment of connection to send what waits and to
//! learn what changed. The rules (hysteresis, delays) are the core's.

use super::till::{Lamps, Till};
use super::{queue, risk, session};
use crate::browser::page;
use crate::env;
use futures_channel::oneshot;
use futures_util::future::select;
use gloo_timers::future::TimeoutFuture;
use holdfast_core::connectivity::{Connectivity, Way};
use holdfast_core::outbox::{UploadOutcome, busy_delay_ms, retry_delay_ms};
use holdfast_web::device::Device;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::cell::{Cell, RefCell};

/// How often the history is asked for while a payment is on its way, and otherwise.
const HISTORY_SOON_MS: i64 = 2_000;
const HISTORY_CALM_MS: i64 = 20_000;
/// How often the policy is asked for.
const POLICY_MS: i64 = 60_000;
/// How often countdowns move.
const TICK_MS: u64 = 10_000;

thread_local! {
    static CONNECTIVITY: RefCell<Connectivity> = RefCell::default();
    /// Wakes the loop before its time.
    static WAKE: RefCell<Option<oneshot::Sender<()>>> = const { RefCell::new(None) };
    /// How often the browser said that it has no network.
    static OFFLINE_SAID: Cell<u32> = const { Cell::new(0) };
    /// Somebody nudged while the loop was at work.
    static NUDGED: Cell<bool> = const { Cell::new(false) };
}

/// Runs for the life of the page.
pub fn run(till: Till, device: Device) {
    page::on_nudge(move || {
        if page::says_online() {
            CONNECTIVITY.with_borrow_mut(Connectivity::browser_says_online);
        }
        nudge();
    });
    page::on_offline(move || {
        OFFLINE_SAID.set(OFFLINE_SAID.get().wrapping_add(1));
        CONNECTIVITY.with_borrow_mut(Connectivity::browser_says_offline);
        show_lamps(till);
        nudge();
    });
    let clock = device.clone();
    set_interval(move || till.now_ms.set(clock.reading().trusted_ms()), std::time::Duration::from_millis(TICK_MS));
    risk::watch(till, device.clone());
    spawn_local(async move {
        let mut schedule = Schedule::default();
        loop {
            NUDGED.set(false);
            let was_online = is_online();
            let said = OFFLINE_SAID.get();
            let result = device.probe().await;
            // An answer that was on its way when the network went proves nothing about now, and a sale in that moment would wait in vain.
            if OFFLINE_SAID.get() == said {
                CONNECTIVITY.with_borrow_mut(|c| c.probed(result));
            }
            show_lamps(till);
            till.now_ms.set(device.reading().trusted_ms());
            if is_online() && device.enrolled().is_some() {
                if !was_online {
                    came_online(till, &device).await;
                    schedule = Schedule::default();
                }
                schedule.work(till, &device).await;
            }
            rest(schedule.next_ms(till, page::wall_ms())).await;
        }
    });
}

/// Asks the loop to look again now.
pub fn nudge() {
    NUDGED.set(true);
    if let Some(wake) = WAKE.take() {
        // The loop may have woken by itself just now.
        let _ = wake.send(());
    }
}

pub fn is_online() -> bool {
    CONNECTIVITY.with_borrow(Connectivity::is_online)
}

/// The way that a sale takes now.
pub fn way() -> Way {
    CONNECTIVITY.with_borrow(Connectivity::way)
}

/// Whether the caps for sales without an answer hold now.
pub fn is_unanswered() -> bool {
    CONNECTIVITY.with_borrow(Connectivity::is_unanswered)
}

fn show_lamps(till: Till) {
    let lamps = CONNECTIVITY.with_borrow(|c| Lamps { link: c.link(), acquirer: c.acquirer(), three: c.lamps() });
    if till.lamps.get_untracked() != lamps {
        till.lamps.set(lamps);
    }
}

/// Keys first: without a valid one the next outage takes no card.
async fn came_online(till: Till, device: &Device) {
    if device.refresh_keys().await.is_ok() {
        env::prepare(device);
    }
    if device.refresh_shop().await.is_ok_and(|changed| changed) || till.shop.with_untracked(Option::is_none) {
        session::show_shop(till, device);
    }
    session::refresh_facts(till);
}

/// When to send and to ask next, by the tablet's clock.
#[derive(Default)]
struct Schedule {
    failed_sends: u32,
    next_send_ms: i64,
    next_history_ms: i64,
    next_policy_ms: i64,
}

impl Schedule {
    async fn work(&mut self, till: Till, device: &Device) {
        let now_ms = page::wall_ms();
        if now_ms >= self.next_policy_ms {
            risk::follow(till, device).await;
            // What waits ages, and the owner looks at it from elsewhere.
            if let Err(error) = device.heartbeat().await {
                leptos::logging::log!("heartbeat: {error}");
            }
            self.next_policy_ms = page::wall_ms() + POLICY_MS;
        }
        if queue::any_to_send(till) && now_ms >= self.next_send_ms && !till.is_taking() {
            self.sent(queue::send(till, device).await, page::wall_ms());
        }
        if now_ms >= self.next_history_ms {
            queue::sync_history(till, device).await;
            let delay_ms = if queue::any_on_its_way(till) { HISTORY_SOON_MS } else { HISTORY_CALM_MS };
            self.next_history_ms = page::wall_ms() + delay_ms;
        }
    }

    fn sent(&mut self, outcome: Option<UploadOutcome>, now_ms: i64) {
        let delay_ms = match outcome {
            // Nothing waits, or somebody else is at it.
            Some(UploadOutcome::Drained | UploadOutcome::MoreLater) | None => {
                self.failed_sends = 0;
                self.next_history_ms = 0;
                1_000
            }
            Some(outcome) => {
                self.failed_sends = self.failed_sends.saturating_add(1);
                // The low bits of the clock are jitter enough for tills that came back together.
                let random = now_ms.to_le_bytes()[0];
                match outcome {
                    UploadOutcome::Busy { retry_after_ms } => busy_delay_ms(retry_after_ms, self.failed_sends, random),
                    _ => retry_delay_ms(self.failed_sends, random),
                }
            }
        };
        self.next_send_ms = now_ms.saturating_add(delay_ms);
    }

    /// Milliseconds until there is something to do.
    fn next_ms(&self, till: Till, now_ms: i64) -> i64 {
        let mut next_ms = CONNECTIVITY.with_borrow(Connectivity::next_probe_ms);
        if is_online() {
            next_ms = next_ms.min(self.next_history_ms - now_ms);
            if queue::any_to_send(till) {
                next_ms = next_ms.min(self.next_send_ms - now_ms);
            }
        }
        next_ms.max(250)
    }
}

async fn rest(delay_ms: i64) {
    if NUDGED.get() {
        return;
    }
    let (wake, woken) = oneshot::channel();
    WAKE.set(Some(wake));
    select(TimeoutFuture::new(u32::try_from(delay_ms).unwrap_or(1_000)), woken).await;
}
