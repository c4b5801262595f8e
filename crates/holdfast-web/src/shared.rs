//! What page and worker both work with: stores, trust, clock and who this device is.

use crate::clock::Clock;
use crate::device_key::DeviceKey;
use crate::http::Caller;
use crate::idb::{MONEY_DB, MONEY_VERSION};
use crate::journal::{JOURNAL, JOURNAL_WORKER, Journal};
use crate::money::Money;
use crate::standing::Standing;
use crate::trust::Trust;
use holdfast_core::outbox::StoreFault;
use holdfast_wire::WireError;
use holdfast_wire::enrolment::Enrolment;
use holdfast_wire::keyset::Roots;
use std::cell::RefCell;
use std::rc::Rc;

/// Names of this device's stores. Tests use others than the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub money: String,
    pub money_version: u32,
    pub journal: String,
    /// Script of the dedicated worker; `None` in the service worker, which cannot start one.
    pub journal_worker: Option<String>,
    pub shelf: String,
}

impl Names {
    pub fn for_page() -> Self {
        Self {
            money: MONEY_DB.into(),
            money_version: MONEY_VERSION,
            journal: JOURNAL.into(),
            journal_worker: Some(JOURNAL_WORKER.into()),
            shelf: crate::shelf::SHELF.into(),
        }
    }

    pub fn for_worker() -> Self {
        Self { journal_worker: None, ..Self::for_page() }
    }
}

/// Who this device is, once it is enrolled.
#[derive(Clone)]
pub struct Identity {
    pub key: DeviceKey,
    pub enrolment: Enrolment,
}

impl Identity {
    pub fn caller(&self) -> Caller<'_> {
        Caller { key: &self.key, keyid: &self.enrolment.device_id }
    }
}

/// Why nothing could be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error(transparent)]
    Roots(#[from] WireError),
}

/// The parts.
pub struct Shared {
    pub money: Money,
    pub journal: Journal,
    pub trust: Trust,
    pub clock: Clock,
    identity: RefCell<Option<Rc<Identity>>>,
    standing: RefCell<Standing>,
    /// The epoch of the server to which everything was offered, as far as this context knows.
    heard_epoch: RefCell<String>,
}

impl Shared {
    pub async fn open(roots_json: &str, names: &Names) -> Result<Self, OpenError> {
        let roots = Roots::from_json(roots_json)?;
        let money = Money::at(&names.money, names.money_version);
        let journal = match &names.journal_worker {
            Some(url) => Journal::writable(&names.journal, url),
            None => Journal::readable(&names.journal),
        };
        let trust = Trust::open(roots, &money).await?;
        let shared = Self {
            money,
            journal,
            trust,
            clock: Clock::default(),
            identity: RefCell::default(),
            standing: RefCell::default(),
            heard_epoch: RefCell::default(),
        };
        shared.identify().await?;
        Ok(shared)
    }

    pub fn identity(&self) -> Option<Rc<Identity>> {
        self.identity.borrow().clone()
    }

    /// What the server last said of this device.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    pub(crate) fn heard_epoch(&self) -> String {
        self.heard_epoch.borrow().clone()
    }

    pub(crate) fn hear_epoch(&self, epoch: &str) {
        epoch.clone_into(&mut self.heard_epoch.borrow_mut());
    }

    pub(crate) fn set_standing(&self, standing: Standing) {
        *self.standing.borrow_mut() = standing;
    }

    /// Looks into the database who this device is and how it stands with the server.
    pub async fn identify(&self) -> Result<(), StoreFault> {
        let row = self.money.device().await?;
        *self.identity.borrow_mut() = row
            .keys
            .zip(row.enrolment)
            .map(|(pair, enrolment)| Rc::new(Identity { key: DeviceKey::from_stored(pair), enrolment }));
        self.set_standing(Standing::of(row.revocation));
        Ok(())
    }
}
