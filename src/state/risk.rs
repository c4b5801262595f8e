//! The policy and the loss meter, kept true on the screen; and the time, kept for the next start.

use super::staff;
use super::till::Till;
use crate::messages::fill;
use holdfast_core::policy::Override;
use holdfast_web::device::Device;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;

/// How often the time is kept and the meter read: what waits ages by itself.
const TICK_MS: u64 = 30_000;

/// Runs for the life of the page.
pub fn watch(till: Till, device: Device) {
    set_interval(
        move || {
            let device = device.clone();
            spawn_local(async move {
                device.keep_time().await;
                measure(till, &device).await;
            });
        },
        Duration::from_millis(TICK_MS),
    );
}

/// Asks for the policy; whoever changed it wants it to hold.
pub async fn follow(till: Till, device: &Device) {
    if let Err(error) = device.refresh_policy().await {
        leptos::logging::log!("the policy is not up to date: {error}");
    }
    device.keep_time().await;
    measure(till, device).await;
}

/// Reads the meter.
pub async fn measure(till: Till, device: &Device) {
    if let Ok(risk) = device.risk().await
        && till.risk.with_untracked(|old| *old != risk)
    {
        till.risk.set(risk);
    }
}

/// Asks a manager to let the sale at the counter through. The card is swiped again afterwards: nothing of it is held while somebody looks for a PIN.
pub fn ask_manager(till: Till) {
    let amount = till.total_untracked();
    let words = till.lang.get_untracked().messages().policy;
    let why = fill(words.manager_why, &[("amount", &untrack(|| till.money_within(amount)))]);
    spawn_local(async move {
        let Some(word) = staff::approve(till, why).await else { return };
        let by = word.by.to_string();
        till.cap_override.set(Some(Override { by, amount_minor: amount.minor(), at_ms: word.at_ms }));
        till.open_tender(None);
    });
}
