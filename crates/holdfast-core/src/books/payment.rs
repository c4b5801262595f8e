//! The rules for payments: what an event adds to the books, given what is booked already.

use super::{Account, BookError, Entry, Happening, Line, Place, Reason, Sold, Standing, Tender, When};
use crate::limits::{BOOKED_MINOR_MAX, ONLINE_ANSWER_MS_MAX};

/// Something that happened to a payment, and when that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub what: Happening,
    pub when: When,
}

/// The entries that an event adds. None when it moves no money, or when it is booked already.
///
/// # Errors
/// When an amount is beyond what the books hold.
pub fn payment(sold: &Sold, standing: Standing, event: Event) -> Result<Vec<Entry>, BookError> {
    let mut book = Book { sold, place: standing.place, when: event.when, entries: Vec::new() };
    match event.what {
        Happening::Nothing => {}
        // While the customer still waits for the answer, nothing is sold yet.
        Happening::Received | Happening::Quarantined => {
            if book.goods_are_out() {
                book.sell()?;
            }
        }
        Happening::Authorised => book.sell()?,
        Happening::Captured => {
            book.sell()?;
            book.capture()?;
        }
        Happening::Declined => book.lose(Place::Lost, Reason::DeclinedAfterTheFact)?,
        // Nothing left the shop for it; only what was authorised, and so sold, can be lost.
        Happening::DeclinedAgain if book.place != Place::InTransit => {}
        Happening::DeclinedAgain => book.lose(Place::Lost, Reason::DeclinedAfterTheFact)?,
        Happening::Expired => book.lose(Place::WrittenOff, Reason::Expired)?,
        // The sale and its loss are those of the earlier payment, and stay.
        Happening::VoidedAgain if matches!(book.place, Place::Lost | Place::WrittenOff) => {}
        Happening::Voided | Happening::VoidedAgain if standing.refunded_minor == 0 => book.take_back()?,
        // What was given back in part can only be given back in full.
        Happening::Voided | Happening::VoidedAgain => {}
        Happening::Refunded { total_minor } => book.refund(standing.refunded_minor, total_minor)?,
        Happening::ChargedBack { amount_minor } => book.charge_back(amount_minor)?,
    }
    Ok(book.entries)
}

struct Book<'a> {
    sold: &'a Sold,
    place: Place,
    when: When,
    entries: Vec<Entry>,
}

impl Book<'_> {
    /// Whether the customer has left: the till was offline, paid in cash, or gave up waiting for the answer.
    fn goods_are_out(&self) -> bool {
        let waited_ms = self.when.at_ms.saturating_sub(self.sold.taken().at_ms);
        self.sold.offline() || self.sold.tender() == Tender::Cash || waited_ms > ONLINE_ANSWER_MS_MAX
    }

    /// Books the sale on the day it was made, however late the server hears of it.
    fn sell(&mut self) -> Result<(), BookError> {
        if self.place != Place::NotSold {
            return Ok(());
        }
        let is_cash = self.sold.tender() == Tender::Cash;
        let (place, account) =
            if is_cash { (Place::InDrawer, Account::CashDrawer) } else { (Place::InTransit, Account::CardInTransit) };
        let mut lines = vec![Line::new(account, self.sold.amount_minor())];
        lines.extend(self.sold.credits(-1));
        self.entries.push(Entry::new(Reason::Sale, self.sold.taken(), lines)?);
        self.place = place;
        Ok(())
    }

    fn capture(&mut self) -> Result<(), BookError> {
        let reason = match self.place {
            Place::InTransit => Reason::Capture,
            // The shop tried it again, and it went through.
            Place::Lost | Place::WrittenOff => Reason::Recovered,
            Place::NotSold | Place::AtAcquirer | Place::InDrawer | Place::TakenBack => return Ok(()),
        };
        self.move_to(Place::AtAcquirer, reason)
    }

    fn lose(&mut self, place: Place, reason: Reason) -> Result<(), BookError> {
        // Declined while the customer stood there: nothing was handed out, so nothing was sold or lost.
        if self.place == Place::NotSold && !self.goods_are_out() {
            return Ok(());
        }
        self.sell()?;
        if self.place == Place::InTransit {
            self.move_to(place, reason)?;
        }
        Ok(())
    }

    fn take_back(&mut self) -> Result<(), BookError> {
        // Voided on the till before the server heard of it: sold all the same, and taken back.
        if self.goods_are_out() {
            self.sell()?;
        }
        let Some(account) = self.place.account() else { return Ok(()) };
        let mut lines = vec![Line::new(account, -self.sold.amount_minor())];
        lines.extend(self.sold.credits(1));
        self.entries.push(Entry::new(Reason::Void, self.when, lines)?);
        self.place = Place::TakenBack;
        Ok(())
    }

    /// Books what was given back since the last refund. Splitting the running total, and not each refund, keeps the parts of
    /// several refunds from drifting away from the sale.
    fn refund(&mut self, before_minor: i64, total_minor: i64) -> Result<(), BookError> {
        self.sell()?;
        // Only what was captured can be given back.
        self.capture()?;
        let Some(account) = self.place.account() else { return Ok(()) };
        let total_minor = total_minor.min(self.sold.amount_minor());
        if total_minor <= before_minor {
            return Ok(());
        }
        let before = self.sold.shares(before_minor);
        let mut lines: Vec<Line> = (self.sold.shares(total_minor).into_iter().zip(before))
            .map(|((account, minor), (_, before))| Line::new(account, minor - before))
            .collect();
        lines.push(Line::new(account, before_minor - total_minor));
        self.entries.push(Entry::new(Reason::Refund, self.when, lines)?);
        Ok(())
    }

    fn charge_back(&mut self, amount_minor: i64) -> Result<(), BookError> {
        if !(0..=BOOKED_MINOR_MAX).contains(&amount_minor) {
            return Err(BookError::TooLarge);
        }
        let lines =
            vec![Line::new(Account::Chargebacks, amount_minor), Line::new(Account::AcquirerReceivable, -amount_minor)];
        self.entries.push(Entry::new(Reason::Chargeback, self.when, lines)?);
        Ok(())
    }

    fn move_to(&mut self, place: Place, reason: Reason) -> Result<(), BookError> {
        if let (Some(from), Some(to)) = (self.place.account(), place.account()) {
            let amount = self.sold.amount_minor();
            let lines = vec![Line::new(to, amount), Line::new(from, -amount)];
            self.entries.push(Entry::new(reason, self.when, lines)?);
            self.place = place;
        }
        Ok(())
    }
}
