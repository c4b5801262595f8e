//! The connection: opened when first used, closed for another version's sake, and opened again.

use super::request::wait;
use super::schema::upgrade;
use super::transaction::{Mode, Transaction};
use crate::js::{error_name, fault, global};
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use holdfast_core::outbox::StoreFault;
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbFactory, IdbOpenDbRequest};

/// Longer than any other page needs to let go of an older version.
const OPEN_MS_MAX: u32 = 10_000;

/// A handle to the money database.
pub struct Connection {
    name: String,
    version: u32,
    open: Rc<RefCell<Option<Open>>>,
}

struct Open {
    database: IdbDatabase,
    _on_versionchange: Closure<dyn FnMut()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.close();
    }
}

impl Connection {
    pub fn new(name: &str, version: u32) -> Self {
        Self { name: name.into(), version, open: Rc::default() }
    }

    /// A transaction that only reads.
    pub async fn read(&self, stores: &[&str]) -> Result<Transaction, StoreFault> {
        self.begin(stores, Mode::Read).await
    }

    /// A transaction that writes, strictly durable.
    pub async fn write(&self, stores: &[&str]) -> Result<Transaction, StoreFault> {
        self.begin(stores, Mode::WriteStrictly).await
    }

    async fn begin(&self, stores: &[&str], mode: Mode) -> Result<Transaction, StoreFault> {
        let database = self.database().await?;
        match Transaction::begin(&database, stores, mode) {
            // The browser closed the connection behind our back: once more with a new one.
            Err(error) if error_name(&error) == "InvalidStateError" => {
                self.open.borrow_mut().take();
                Transaction::begin(&self.database().await?, stores, mode).map_err(|e| fault(&e))
            }
            begun => begun.map_err(|e| fault(&e)),
        }
    }

    async fn database(&self) -> Result<IdbDatabase, StoreFault> {
        let open = self.open.borrow().as_ref().map(|open| open.database.clone());
        if let Some(database) = open {
            return Ok(database);
        }
        let factory = global().indexed_db().ok().flatten().ok_or(StoreFault::Broken)?;
        let database = match self.request(&factory, Some(self.version)).await {
            // A newer app was here. It has only added stores, so ours are there.
            Err(NotOpened::NewerThere) => self.request(&factory, None).await.map_err(|_| StoreFault::Broken)?,
            Err(NotOpened::Fault(fault)) => return Err(fault),
            Ok(database) => database,
        };
        *self.open.borrow_mut() = Some(self.watch(database.clone()));
        Ok(database)
    }

    async fn request(&self, factory: &IdbFactory, version: Option<u32>) -> Result<IdbDatabase, NotOpened> {
        let request = match version {
            Some(version) => factory.open_with_u32(&self.name, version),
            None => factory.open(&self.name),
        };
        let request = request.map_err(|e| NotOpened::Fault(fault(&e)))?;
        let of = request.clone();
        let on_upgrade = Closure::<dyn FnMut()>::new(move || {
            if let Some(database) = result(&of) {
                upgrade(&database);
            }
        });
        request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
        let opened = match select(pin!(wait(&request)), TimeoutFuture::new(OPEN_MS_MAX)).await {
            Either::Left((opened, _)) => opened,
            Either::Right(_) => Err(StoreFault::Broken),
        };
        request.set_onupgradeneeded(None);
        match opened {
            Ok(_) => result(&request).ok_or(NotOpened::Fault(StoreFault::Broken)),
            Err(fault) => {
                let name = request.error().ok().flatten().map(|e| e.name());
                Err(if name.as_deref() == Some("VersionError") {
                    NotOpened::NewerThere
                } else {
                    NotOpened::Fault(fault)
                })
            }
        }
    }

    /// Lets go when another page brings a newer schema; the next transaction opens again.
    fn watch(&self, database: IdbDatabase) -> Open {
        let open = Rc::downgrade(&self.open);
        let of = database.clone();
        let on_versionchange = Closure::<dyn FnMut()>::new(move || {
            of.close();
            if let Some(open) = open.upgrade() {
                // The closure that runs is part of what goes, so it goes a moment later.
                wasm_bindgen_futures::spawn_local(async move { drop(open.borrow_mut().take()) });
            }
        });
        database.set_onversionchange(Some(on_versionchange.as_ref().unchecked_ref()));
        Open { database, _on_versionchange: on_versionchange }
    }
}

enum NotOpened {
    NewerThere,
    Fault(StoreFault),
}

fn result(request: &IdbOpenDbRequest) -> Option<IdbDatabase> {
    request.result().ok().and_then(|r| r.dyn_into().ok())
}
