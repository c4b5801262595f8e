//! What keeps a till current: keys, shop, heartbeat, probe, the browser's promises, and the small things that the page keeps.

use super::enrol::{failure, ok_body};
use super::{Device, DeviceError, Persistence};
use crate::background;
use crate::http::{Answer, Call};
use crate::js::{call_async, get, global};
use crate::standing::{Open, ask};
use holdfast_core::connectivity::ProbeResult;
use holdfast_core::outbox::UploadOutcome;
use holdfast_wire::shop::{Shop, SignedShop};
use holdfast_wire::time::{Heartbeat, RISK_MAX, RiskWire};
use serde::Deserialize;

const CALL_MS_MAX: i64 = 15_000;

/// StorageEstimate (Storage Standard section 6), in bytes. A guess by design; Chromium says about 10 GB whatever the truth.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Estimate {
    usage: f64,
    quota: f64,
}

impl Device {
    /// Asks for the key set, verifies and keeps it. `true` when it changed.
    pub async fn refresh_keys(&self) -> Result<bool, DeviceError> {
        self.shared().trust.refresh(&self.shared().money).await.map_err(Into::into)
    }

    /// Asks for the shop, checks that the server signed it and that it is no older one, and keeps it. `true` when it changed.
    pub async fn refresh_shop(&self) -> Result<bool, DeviceError> {
        let identity = self.shared().identity().ok_or(DeviceError::NotEnrolled)?;
        let etag = self.inner.shelf.shop().await?.and_then(|(_, etag)| etag);
        let call = Call { if_none_match: etag.as_deref(), ..Call::get("/api/v1/shop/signed", CALL_MS_MAX) };
        match ask(self.shared(), &identity, call, Open::ToGoodOnly).await {
            Answer::Ok { status: 304, .. } => Ok(false),
            Answer::Ok { body, etag, .. } => {
                let shop = self.accept_shop(&body, &identity.enrolment.merchant_id).await?;
                self.inner.shelf.put_shop(&shop.to_json(), etag.as_deref()).await?;
                let changed = self.inner.shop.borrow().as_ref() != Some(&shop);
                *self.inner.shop.borrow_mut() = Some(shop);
                Ok(changed)
            }
            other => Err(failure(other)),
        }
    }

    async fn accept_shop(&self, body: &[u8], merchant_id: &str) -> Result<Shop, DeviceError> {
        let untrusted = |error: &dyn std::fmt::Display| DeviceError::Untrusted(error.to_string());
        let answer = SignedShop::from_json(body).map_err(|_| DeviceError::NotHoldfast)?;
        let document = Shop::parse(&answer.shop).map_err(|e| untrusted(&e))?;
        let accepted = self.shared().trust.accept(document, &self.shared().money).await;
        let shop = accepted.map_err(|e| untrusted(&e))?;
        let held = self.inner.shop.borrow().as_ref().map_or(0, |held| held.version);
        shop.check(merchant_id, held).map_err(|e| untrusted(&e))?;
        Ok(shop)
    }

    /// Tells the server this device's chain head and what waits.
    pub async fn heartbeat(&self) -> Result<(), DeviceError> {
        let identity = self.shared().identity().ok_or(DeviceError::NotEnrolled)?;
        let (head, tally) = self.shared().money.head_and_tally().await?;
        let waiting = self.count_waiting(tally).await?;
        // Without a policy there are no ages to tell.
        let risk = self.risk().await.map(|risk| risk.meter.cells).unwrap_or_default();
        let beat = Heartbeat {
            v: holdfast_wire::V,
            head: head.head,
            waiting_count: waiting.count as u64,
            waiting_minor: waiting.total_minor,
            risk: risk.iter().take(RISK_MAX).map(RiskWire::of).collect(),
        };
        let body = serde_json::to_vec(&beat).map_err(|_| DeviceError::Crypto)?;
        let call = Call::post("/api/v1/heartbeat", &body, CALL_MS_MAX);
        ok_body(ask(self.shared(), &identity, call, Open::ToGoodOnly).await).map(drop)
    }

    /// Asks for the signed time with a nonce.
    pub async fn probe(&self) -> ProbeResult {
        crate::probe::probe(self.shared()).await
    }

    /// Sends everything that waits. `None`: somebody else (the service worker, another page) is at it.
    pub async fn send_now(&self) -> Option<UploadOutcome> {
        crate::upload::run_all(self.shared()).await.map(|(outcome, _)| outcome)
    }

    /// Asks the browser to upload in the background when the network is back. `false`: this browser cannot.
    pub async fn register_sync(&self) -> bool {
        background::register_sync().await
    }

    /// Whether the browser promised to keep this origin's storage, without asking it to.
    pub(super) async fn look_if_kept(&self) {
        let storage = get(&global().navigator(), "storage");
        let persisted = call_async(&storage, "persisted", &[]).await.ok().and_then(|p| p.as_bool());
        self.inner.is_kept.set(persisted == Some(true));
    }

    /// Asks the browser to keep this origin's storage, and what it says of it.
    pub async fn persistence(&self) -> Persistence {
        let storage = get(&global().navigator(), "storage");
        let mut persisted = call_async(&storage, "persisted", &[]).await.ok().and_then(|p| p.as_bool());
        if persisted == Some(false) {
            persisted = call_async(&storage, "persist", &[]).await.ok().and_then(|p| p.as_bool()).or(persisted);
        }
        self.inner.is_kept.set(persisted == Some(true));
        let estimate = call_async(&storage, "estimate", &[]).await.ok();
        let estimate: Estimate = estimate.and_then(|e| serde_wasm_bindgen::from_value(e).ok()).unwrap_or_default();
        Persistence { persisted, usage_bytes: estimate.usage as u64, quota_bytes: estimate.quota as u64 }
    }

    /// Keeps the open sale, as text in whatever versioned shape the page gives it; `None` forgets it.
    pub async fn save_draft(&self, draft: Option<&str>) -> Result<(), DeviceError> {
        Ok(self.inner.shelf.put_draft(draft).await?)
    }

    pub async fn load_draft(&self) -> Result<Option<String>, DeviceError> {
        Ok(self.inner.shelf.draft().await?)
    }

    /// Small settings of the page, by name.
    pub async fn save_setting(&self, name: &str, value: &str) -> Result<(), DeviceError> {
        Ok(self.inner.shelf.put_setting(name, value).await?)
    }

    pub async fn load_setting(&self, name: &str) -> Result<Option<String>, DeviceError> {
        Ok(self.inner.shelf.setting(name).await?)
    }
}
