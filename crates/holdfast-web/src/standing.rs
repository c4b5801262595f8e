//! Whether the server still takes this device's requests: the owner may have revoked it. It is stored, because a tablet that was
//! revoked and then starts without a network must know it as well.

use crate::clock::wall_ms;
use crate::events::{STANDING_CHANGED, tell};
use crate::http::{Answer, Call, send};
use crate::shared::{Identity, Shared};
use holdfast_wire::stored::Revocation;

/// The problem by which the server says it (docs/protocol.md section 2).
const DEVICE_REVOKED: &str = "device-revoked";

/// What the server last said of this device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Standing {
    #[default]
    Good,
    /// The owner has signed this tablet off: it takes no new payments, and what it holds still goes up.
    Revoked {
        /// The tablet's clock when it first heard of it.
        since_ms: i64,
        /// The server's words.
        detail: String,
    },
}

impl Standing {
    pub(crate) fn of(revocation: Option<Revocation>) -> Self {
        revocation.map_or(Self::Good, |r| Self::Revoked { since_ms: r.at_ms, detail: r.detail })
    }

    pub fn is_revoked(&self) -> bool {
        matches!(self, Self::Revoked { .. })
    }
}

/// What a request's path says about an answer that is a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// To devices in good standing only.
    ToGoodOnly,
    /// To revoked ones as well: what they hold goes to the owner.
    ToRevokedToo,
}

/// Sends a request that this device signs, and notes what the answer says of its standing.
pub async fn ask(shared: &Shared, identity: &Identity, call: Call<'_>, open: Open) -> Answer {
    let answer = send(call, Some(identity.caller())).await;
    let is_revoked = shared.standing().is_revoked();
    match &answer {
        Answer::Problem { problem, .. } if !is_revoked && problem.status == 403 && problem.name() == DEVICE_REVOKED => {
            let revocation = Revocation { v: holdfast_wire::V, at_ms: wall_ms(), detail: problem.detail.clone() };
            note(shared, Some(revocation)).await;
        }
        // Not an empty one: a captive portal's answer to everything may be 204.
        Answer::Ok { status: 200, .. } if is_revoked && open == Open::ToGoodOnly => note(shared, None).await,
        _ => {}
    }
    answer
}

async fn note(shared: &Shared, revocation: Option<Revocation>) {
    // If it cannot be kept, it is heard again with the next request.
    let _ = shared.money.put_revocation(revocation.as_ref()).await;
    shared.set_standing(Standing::of(revocation));
    tell(STANDING_CHANGED);
}
