//! Enrolment: a one-time code binds this device's key to a shop.

use super::{DemoSeller, Device, DeviceError};
use crate::device_key::DeviceKey;
use crate::http::{Answer, Call, Caller, send};
use futures_util::future::join4;
use holdfast_wire::enrolment::{ENROL_KEYID, Enrolment, EnrolmentCode, EnrolmentRequest};
use holdfast_wire::problem::Problem;

const ENROL_MS_MAX: i64 = 15_000;

impl Device {
    /// Makes the device's key and enrols it with a one-time code. Then fetches key set and shop.
    pub async fn enrol(&self, code: &str, device_name: &str) -> Result<Enrolment, DeviceError> {
        if self.enrolled().is_some() {
            return Err(DeviceError::AlreadyEnrolled);
        }
        let key = self.enrolment_key().await?;
        let request = EnrolmentRequest {
            v: holdfast_wire::V,
            code: code.trim().into(),
            device_name: device_name.trim().into(),
            jwk: key.jwk().await.map_err(|_| DeviceError::Crypto)?,
        };
        let body = serde_json::to_vec(&request).map_err(|_| DeviceError::Crypto)?;
        let caller = Caller { key: &key, keyid: ENROL_KEYID };
        let call = Call::post("/api/v1/enrolments", &body, ENROL_MS_MAX);
        let body = ok_body(send(call, Some(caller)).await)?;
        let enrolment: Enrolment = serde_json::from_slice(&body).map_err(|_| DeviceError::NotHoldfast)?;
        self.shared().money.put_enrolment(&enrolment).await?;
        self.shared().identify().await?;
        // All are tried again at every later start and whenever the network is back. The heartbeat says at once where this device's chain
        // begins; none of them needs another.
        let _ = join4(self.refresh_keys(), self.refresh_shop(), self.refresh_policy(), self.heartbeat()).await;
        Ok(enrolment)
    }

    /// A fresh enrolment code, in demo mode only.
    pub async fn demo_code(&self) -> Result<String, DeviceError> {
        let body = ok_body(send(Call::get("/demo/enrolment-code", ENROL_MS_MAX), None).await)?;
        let code: EnrolmentCode = serde_json::from_slice(&body).map_err(|_| DeviceError::NotHoldfast)?;
        Ok(code.code)
    }

    /// Who can sign in at a demo's till, with PINs that are no secret; in demo mode only.
    pub async fn demo_staff(&self) -> Result<Vec<DemoSeller>, DeviceError> {
        let body = ok_body(send(Call::get("/demo/staff", ENROL_MS_MAX), None).await)?;
        serde_json::from_slice(&body).map_err(|_| DeviceError::NotHoldfast)
    }

    /// The key is stored before the server hears of it: a key that it knows must not be lost.
    async fn enrolment_key(&self) -> Result<DeviceKey, DeviceError> {
        let money = &self.shared().money;
        if let Some(pair) = money.keys().await? {
            return Ok(DeviceKey::from_stored(pair));
        }
        let key = DeviceKey::make().await.map_err(|_| DeviceError::Crypto)?;
        money.put_keys(key.stored()).await?;
        Ok(key)
    }
}

/// The body of a success.
pub(super) fn ok_body(answer: Answer) -> Result<Vec<u8>, DeviceError> {
    match answer {
        Answer::Ok { body, .. } => Ok(body),
        other => Err(failure(other)),
    }
}

/// What anything but a success is for the seller.
pub(super) fn failure(answer: Answer) -> DeviceError {
    match answer {
        Answer::Unreachable => DeviceError::Unreachable,
        Answer::Ok { .. } | Answer::NotHoldfast => DeviceError::NotHoldfast,
        Answer::Problem { problem, .. } => from_problem(&problem),
    }
}

fn from_problem(problem: &Problem) -> DeviceError {
    DeviceError::Problem { name: problem.name().into(), status: problem.status, detail: problem.detail.clone() }
}
