//! Checks the whole key log against the keys, sets and certificates, and says what is wrong.
//!
//! [`gather`] reads, [`judge`] decides: what is found depends on the evidence only.

use super::ceremony::opened;
use super::keyring::held_key;
use super::root::read_public_roots;
use super::store::HeldHandle;
use super::{KeyError, Material};
use crate::store::{Books, CardKeyRow, KeySetRow, SignerRow};
use holdfast_core::keys::KeyState;
use holdfast_core::time::{DAY_MS, UnixMs};
use holdfast_wire::keylog::{KeyLogEntry, first_break};
use holdfast_wire::keyset::{Certificate, KeySet, Roots};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It must not be so.
    Wrong(String),
    /// Somebody should look.
    Note(String),
}

/// What is judged.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub now_ms: UnixMs,
    pub log: Vec<KeyLogEntry>,
    pub sets: Vec<KeySetRow>,
    pub signers: Vec<SignerRow>,
    pub card_keys: Vec<CardKeyRow>,
    /// Without them the certificates cannot be checked.
    pub roots: Option<Roots>,
    /// What stores hold by themselves.
    pub held: Vec<HeldHandle>,
}

/// Reads everything that is judged.
///
/// # Errors
/// When the books or a store cannot be read.
pub async fn gather(books: &Books, material: &Material, now_ms: UnixMs) -> Result<Evidence, KeyError> {
    let mut held = Vec::new();
    for store in material.stores.all() {
        let store = Arc::clone(store);
        let found = super::carry_out::blocking(move || store.held()).await?;
        let found = found.map_err(|source| KeyError::CardKey { kid: "all".to_owned(), source })?;
        held.extend(found.unwrap_or_default());
    }
    Ok(Evidence {
        now_ms,
        log: books.key_log().await?,
        sets: books.key_sets().await?,
        signers: books.signers().await?,
        card_keys: books.card_keys().await?,
        roots: read_public_roots(&material.root_dir),
        held,
    })
}

/// Everything that is not as it should be; nothing when all is well.
pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let mut found = Vec::new();
    log_holds(evidence, &mut found);
    let certificates = certificates_hold(evidence, &mut found);
    sets_hold(evidence, &certificates, &mut found);
    for key in &evidence.card_keys {
        card_key_holds(evidence, key, &mut found);
    }
    stores_hold(evidence, &mut found);
    found
}

fn log_holds(evidence: &Evidence, found: &mut Vec<Finding>) {
    if let Some(n) = first_break(None, &evidence.log) {
        found.push(Finding::Wrong(format!("line {n} of the key log does not follow from the one before it")));
    }
    let known: HashSet<&str> = evidence
        .card_keys
        .iter()
        .map(|key| key.kid.as_str())
        .chain(evidence.signers.iter().map(|signer| signer.kid.as_str()))
        .collect();
    for line in evidence.log.iter().filter(|line| line.event == "created" && !line.kid.starts_with("ack-")) {
        if !known.contains(line.kid.as_str()) {
            found.push(Finding::Wrong(format!("the log says that {} was created, and no book has it", line.kid)));
        }
    }
    for pair in evidence.log.windows(2) {
        if pair[1].at_ms < pair[0].at_ms {
            found.push(Finding::Note(format!("the clock went back before line {} of the key log", pair[1].n)));
        }
    }
}

/// Certificates by signer, those that hold.
fn certificates_hold(evidence: &Evidence, found: &mut Vec<Finding>) -> HashMap<String, Certificate> {
    let Some(roots) = &evidence.roots else {
        found.push(Finding::Note("there is no root.public.json: the certificates cannot be checked".to_owned()));
        return HashMap::new();
    };
    let mut certificates = HashMap::new();
    for signer in &evidence.signers {
        match Certificate::parse(&signer.cert).and_then(|cert| opened(cert, &roots.roots)) {
            Ok(cert) if cert.kid == signer.kid => drop(certificates.insert(cert.kid.clone(), cert)),
            Ok(_) => found.push(Finding::Wrong(format!("the certificate of {} is for another signer", signer.kid))),
            // Roots are replaced in the course of years; what they certified is history then.
            Err(_) if signer.private.is_empty() => {
                found.push(Finding::Note(format!(
                    "{}, of the past, was certified by no root that is known",
                    signer.kid
                )));
            }
            Err(_) => found.push(Finding::Wrong(format!("no root that is known certified {}", signer.kid))),
        }
        if !has_event(evidence, &signer.kid, "created") {
            found.push(Finding::Wrong(format!("{} is not in the key log", signer.kid)));
        }
    }
    let newest = evidence.signers.iter().find(|signer| !signer.private.is_empty());
    if let Some(signer) = newest.filter(|signer| signer.not_after_ms - evidence.now_ms < super::signer::SIGNER_RENEW_MS)
    {
        let days = (signer.not_after_ms - evidence.now_ms) / DAY_MS;
        found.push(Finding::Note(format!("the certificate of {} ends in {days} days", signer.kid)));
    }
    certificates
}

fn sets_hold(evidence: &Evidence, certificates: &HashMap<String, Certificate>, found: &mut Vec<Finding>) {
    for line in evidence.log.iter().filter(|line| line.event == "published") {
        if !evidence.sets.iter().any(|row| line.kid == format!("keyset-{}", row.version)) {
            found.push(Finding::Wrong(format!("the log says that {} was published, and it is not there", line.kid)));
        }
    }
    for row in &evidence.sets {
        let version = row.version;
        let mut wrong = |what: &str| found.push(Finding::Wrong(format!("key set {version} {what}")));
        if !has_event(evidence, &format!("keyset-{version}"), "published") {
            wrong("is not in the key log");
        }
        let Ok(document) = KeySet::parse(&row.jws) else {
            wrong("cannot be read");
            continue;
        };
        let set = match certificates.get(document.kid()) {
            Some(cert) => match opened(document, &[cert.signer()]) {
                Ok(set) => {
                    if set.check(cert, 0).is_err() {
                        wrong("was signed outside its signer's time");
                    }
                    set
                }
                Err(_) => {
                    wrong("does not bear its signer's signature");
                    continue;
                }
            },
            // Said above, or there are no roots to check with.
            None => continue,
        };
        if set.version != version {
            wrong("says another version inside");
        }
        if let Some(head) = &set.log {
            let line = head.n.checked_sub(1).and_then(|at| evidence.log.get(usize::try_from(at).ok()?));
            if line.is_none_or(|line| line.head() != *head) {
                wrong("was signed over another key log: lines were changed since");
            }
        }
        set_fits_the_books(evidence, &set, &mut wrong);
    }
}

fn set_fits_the_books(evidence: &Evidence, set: &KeySet, wrong: &mut impl FnMut(&str)) {
    for published in &set.card_keys {
        let row = evidence.card_keys.iter().find(|row| row.kid == published.kid);
        let is_same =
            |row: &&CardKeyRow| row.n == published.n && row.e == published.e && row.times == published.times();
        match row {
            None => wrong(&format!("publishes {}, which no book has", published.kid)),
            Some(row) if !is_same(&row) => wrong(&format!("publishes another {} than the books have", row.kid)),
            Some(row) if row.withdrawn_ms.is_some_and(|at| at < set.issued_ms) => {
                wrong(&format!("publishes {}, which was withdrawn", row.kid));
            }
            Some(_) => {}
        }
    }
}

fn card_key_holds(evidence: &Evidence, key: &CardKeyRow, found: &mut Vec<Finding>) {
    let kid = &key.kid;
    let mut wrong = |what: String| found.push(Finding::Wrong(format!("{kid} {what}")));
    if let Err(error) = key.times.check() {
        wrong(format!("breaks the order of its times: {error}"));
    }
    if !has_event(evidence, kid, "created") {
        wrong("is not in the key log".to_owned());
    }
    if key.withdrawn_ms.is_some() != has_event(evidence, kid, "withdrawn") {
        wrong("was withdrawn according to only one of books and log".to_owned());
    }
    if key.is_destroyed() != has_event(evidence, kid, "destroyed") {
        wrong("is destroyed according to only one of books and log".to_owned());
    }
    if key.destroyed_ms.is_some_and(|at| at < key.times.accept_until_ms) {
        wrong("was destroyed before its time".to_owned());
    }
    if key.is_destroyed() && !has_event(evidence, kid, "erased") {
        wrong("was let go by the books, and its store did not say that it is gone".to_owned());
    }
    // A sweep comes every minute; a day is patience enough.
    let is_over = held_key(key).state(evidence.now_ms - DAY_MS) == KeyState::Over;
    match (is_over && !key.is_destroyed(), key.unopened_count) {
        (true, 0) => wrong("is past its time and was not destroyed".to_owned()),
        (true, count) => {
            found.push(Finding::Note(format!("{kid} is past its time and kept for {count} records that wait")));
        }
        _ => {}
    }
}

fn stores_hold(evidence: &Evidence, found: &mut Vec<Finding>) {
    for held in &evidence.held {
        let kid = &held.kid;
        match evidence.card_keys.iter().find(|row| row.kid == *kid) {
            Some(row) if row.handle.as_ref() == Some(&held.handle) => {}
            Some(row) if row.is_destroyed() => {
                found.push(Finding::Wrong(format!("{kid} is destroyed in the books and still in its store")));
            }
            Some(_) => found.push(Finding::Note(format!("the store has a second {kid}; the next sweep destroys it"))),
            None => found.push(Finding::Note(format!("the store has {kid}, which no book knows"))),
        }
    }
    let is_in_a_store = |handle: &Vec<u8>| evidence.held.iter().any(|held| held.handle == *handle);
    for row in &evidence.card_keys {
        let in_token = row.handle.as_ref().filter(|handle| handle.starts_with(b"p11."));
        if in_token.is_some_and(|handle| !is_in_a_store(handle)) {
            found.push(Finding::Wrong(format!("{} should be in the token and is not there", row.kid)));
        }
    }
}

fn has_event(evidence: &Evidence, kid: &str, event: &str) -> bool {
    evidence.log.iter().any(|line| line.kid == kid && line.event == event)
}
