//! What was sold, as the books see it: checked once, so that every rule can add without a doubt.

use super::{Account, BookError, Detail, Line, When};
use crate::limits::{BOOKED_MINOR_MAX, BOOKED_TAX_BP_MAX};
use std::collections::BTreeMap;

/// What the customer gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tender {
    Card,
    Cash,
}

impl Tender {
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Cash => "cash",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Card, Self::Cash].into_iter().find(|tender| tender.name() == name)
    }
}

/// A line of a sale, tax included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoldLine {
    pub item: String,
    pub category: String,
    pub quantity: u32,
    pub total_minor: i64,
    pub tax_bp: u32,
    pub tax_minor: i64,
}

/// A sale whose figures fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sold {
    taken: When,
    amount_minor: i64,
    tip_minor: i64,
    tender: Tender,
    offline: bool,
    lines: Vec<SoldLine>,
}

impl Sold {
    /// Checks a sale. Lines that do not fit the amount are replaced by one line without tax, because what the customer owes is
    /// known and must be booked, and what the till wrote beside it may be damaged.
    ///
    /// # Errors
    /// [`BookError::TooLarge`] when the amount is beyond what the books hold.
    pub fn new(
        taken: When,
        amount_minor: i64,
        tip_minor: i64,
        tender: Tender,
        offline: bool,
        lines: Vec<SoldLine>,
    ) -> Result<Self, BookError> {
        if !(0..=BOOKED_MINOR_MAX).contains(&amount_minor) {
            return Err(BookError::TooLarge);
        }
        let tip_minor = tip_minor.clamp(0, amount_minor);
        let goods_minor = amount_minor - tip_minor;
        let lines = if fits(&lines, goods_minor) { lines } else { vec![bare(goods_minor)] };
        Ok(Self { taken, amount_minor, tip_minor, tender, offline, lines })
    }

    pub fn taken(&self) -> When {
        self.taken
    }

    pub fn amount_minor(&self) -> i64 {
        self.amount_minor
    }

    pub fn tender(&self) -> Tender {
        self.tender
    }

    pub fn offline(&self) -> bool {
        self.offline
    }

    /// The credits of the sale: what was sold, its tax, the tip. `sign` is -1 for a sale and 1 where it is taken back.
    pub(super) fn credits(&self, sign: i64) -> Vec<Line> {
        let mut lines = Vec::with_capacity(self.lines.len() * 2 + 1);
        for sold in &self.lines {
            let detail = |quantity| Detail { item: sold.item.clone(), category: sold.category.clone(), quantity };
            lines.push(Line {
                account: Account::Sales { tax_bp: sold.tax_bp },
                amount_minor: sign * (sold.total_minor - sold.tax_minor),
                detail: detail(-sign * i64::from(sold.quantity)),
            });
            lines.push(Line {
                account: Account::TaxPayable { tax_bp: sold.tax_bp },
                amount_minor: sign * sold.tax_minor,
                detail: detail(0),
            });
        }
        lines.push(Line::new(Account::Tips, sign * self.tip_minor));
        lines
    }

    /// How `part_minor` of the amount falls on the rates and the tip, so that the parts of the whole amount are those of the sale.
    /// Each share is a difference of rounded running totals: shares always add up to the part, whatever the rounding did.
    pub(super) fn shares(&self, part_minor: i64) -> Vec<(Account, i64)> {
        let mut rates: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        for line in &self.lines {
            let (total, tax) = rates.entry(line.tax_bp).or_default();
            *total += line.total_minor;
            *tax += line.tax_minor;
        }
        let scaled = |minor: i64| scale(minor, part_minor, self.amount_minor);
        let mut shares = Vec::with_capacity(rates.len() * 2 + 1);
        let mut running = 0;
        for (tax_bp, (total, tax)) in rates {
            let share = scaled(running + total) - scaled(running);
            running += total;
            let tax = scaled(tax);
            shares.push((Account::Refunds { tax_bp }, share - tax));
            shares.push((Account::TaxPayable { tax_bp }, tax));
        }
        shares.push((Account::Tips, part_minor - scaled(running)));
        shares
    }
}

fn fits(lines: &[SoldLine], goods_minor: i64) -> bool {
    let is_sane = |line: &SoldLine| {
        let same_sign = line.tax_minor == 0 || (line.tax_minor < 0) == (line.total_minor < 0);
        line.total_minor.abs() <= BOOKED_MINOR_MAX
            && line.tax_minor.abs() <= line.total_minor.abs()
            && same_sign
            && line.tax_bp <= BOOKED_TAX_BP_MAX
    };
    // Comparing first keeps `abs` from the one number that has none.
    let bounded = |line: &&SoldLine| line.total_minor > -BOOKED_MINOR_MAX && line.tax_minor > -BOOKED_MINOR_MAX;
    lines.iter().filter(bounded).count() == lines.len()
        && lines.iter().all(is_sane)
        && lines.iter().map(|line| i128::from(line.total_minor)).sum::<i128>() == i128::from(goods_minor)
}

fn bare(total_minor: i64) -> SoldLine {
    SoldLine { item: String::new(), category: String::new(), quantity: 1, total_minor, tax_bp: 0, tax_minor: 0 }
}

/// `minor * part / whole`, rounded half away from zero. All three are within the books' limit, so the result is as well.
fn scale(minor: i64, part: i64, whole: i64) -> i64 {
    if whole == 0 {
        return 0;
    }
    let product = i128::from(minor) * i128::from(part);
    let half = i128::from(whole) / 2;
    let rounded = (if product < 0 { product - half } else { product + half }) / i128::from(whole);
    i64::try_from(rounded).unwrap_or(0)
}
