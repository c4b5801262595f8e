//! What an entry adds to each report. The sums of a day are kept beside the journal and can always be made anew from it.

use super::{Account, Entry, Line, Reason, Tender};

/// A report: what its rows are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Day,
    Hour,
    Item,
    Category,
    Tender,
    Staff,
    Device,
    /// By tax rate.
    Tax,
    /// Taken offline against taken online.
    Path,
    /// Declines after the fact, and other money lost, by reason.
    Losses,
    /// Every account: they add up to nothing.
    Accounts,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Day,
        Self::Hour,
        Self::Item,
        Self::Category,
        Self::Tender,
        Self::Staff,
        Self::Device,
        Self::Tax,
        Self::Path,
        Self::Losses,
        Self::Accounts,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Item => "item",
            Self::Category => "category",
            Self::Tender => "tender",
            Self::Staff => "staff",
            Self::Device => "device",
            Self::Tax => "tax",
            Self::Path => "path",
            Self::Losses => "losses",
            Self::Accounts => "accounts",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What an entry is filed under besides its lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    pub device_id: String,
    /// Empty when nobody is known.
    pub staff: String,
    pub tender: Option<Tender>,
    pub offline: bool,
}

/// The columns of every report. `count` is of sales, of sold lines in the reports by item, category and tax rate, and of losses in that
/// of losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    pub count: i64,
    pub quantity: i64,
    /// Sales without tax and without what was given back.
    pub net_minor: i64,
    /// The tax of these sales.
    pub tax_minor: i64,
    pub tips_minor: i64,
    /// What was given back, with its tax and tip.
    pub refunds_minor: i64,
    /// The tax in it.
    pub refunds_tax_minor: i64,
    /// Declined after the fact, written off, charged back.
    pub lost_minor: i64,
    /// Debits less credits, in the report of the accounts.
    pub balance_minor: i64,
}

impl Figures {
    /// Adds. Amounts are bounded where they enter the books, so a day's sums stay far from the end of their type.
    pub fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.quantity = self.quantity.saturating_add(other.quantity);
        self.net_minor = self.net_minor.saturating_add(other.net_minor);
        self.tax_minor = self.tax_minor.saturating_add(other.tax_minor);
        self.tips_minor = self.tips_minor.saturating_add(other.tips_minor);
        self.refunds_minor = self.refunds_minor.saturating_add(other.refunds_minor);
        self.refunds_tax_minor = self.refunds_tax_minor.saturating_add(other.refunds_tax_minor);
        self.lost_minor = self.lost_minor.saturating_add(other.lost_minor);
        self.balance_minor = self.balance_minor.saturating_add(other.balance_minor);
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// One addend of one row of one report, on the entry's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    pub kind: Kind,
    pub key: String,
    pub figures: Figures,
}

/// Everything that an entry adds to the reports.
pub fn sums(entry: &Entry, labels: &Labels) -> Vec<Sum> {
    let mut sums = Vec::new();
    let mut add = |kind, key: String, figures: Figures| {
        if !figures.is_nothing() {
            sums.push(Sum { kind, key, figures });
        }
    };
    let mut whole = Figures { count: sales_in(entry.reason()), ..Figures::default() };
    for line in entry.lines() {
        let figures = of_line(line, entry.reason());
        whole.add(&figures);
        let sold = Figures { count: line.detail.quantity.signum(), ..figures };
        if is_of_item(line, entry.reason()) {
            add(Kind::Item, line.detail.item.clone(), sold);
            add(Kind::Category, line.detail.category.clone(), sold);
        }
        if let Some(tax_bp) = line.account.tax_bp() {
            add(Kind::Tax, tax_bp.to_string(), sold);
        }
        add(
            Kind::Accounts,
            line.account.to_string(),
            Figures { balance_minor: line.amount_minor, ..Figures::default() },
        );
    }
    if whole.lost_minor != 0 {
        let count = whole.lost_minor.signum();
        add(
            Kind::Losses,
            entry.reason().name().to_owned(),
            Figures { count, lost_minor: whole.lost_minor, ..Figures::default() },
        );
    }
    add(Kind::Day, String::new(), whole);
    add(Kind::Hour, format!("{:02}", entry.when().hour), whole);
    if let Some(tender) = labels.tender {
        add(Kind::Tender, tender.name().to_owned(), whole);
        add(Kind::Staff, labels.staff.clone(), whole);
        add(Kind::Device, labels.device_id.clone(), whole);
        add(Kind::Path, if labels.offline { "offline" } else { "online" }.to_owned(), whole);
    }
    sums
}

fn sales_in(reason: Reason) -> i64 {
    match reason {
        Reason::Sale => 1,
        Reason::Void => -1,
        _ => 0,
    }
}

fn is_of_item(line: &Line, reason: Reason) -> bool {
    sales_in(reason) != 0 && matches!(line.account, Account::Sales { .. } | Account::TaxPayable { .. })
}

/// What a line adds. A credit is what the shop earned, so its sign is turned.
fn of_line(line: &Line, reason: Reason) -> Figures {
    let (earned, nothing) = (-line.amount_minor, Figures::default());
    if reason == Reason::Refund {
        return match line.account {
            Account::Refunds { .. } | Account::Tips => Figures { refunds_minor: line.amount_minor, ..nothing },
            Account::TaxPayable { .. } => {
                Figures { refunds_minor: line.amount_minor, refunds_tax_minor: line.amount_minor, ..nothing }
            }
            _ => nothing,
        };
    }
    match line.account {
        Account::Sales { .. } => Figures { net_minor: earned, quantity: line.detail.quantity, ..nothing },
        Account::TaxPayable { .. } => Figures { tax_minor: earned, ..nothing },
        Account::Tips => Figures { tips_minor: earned, ..nothing },
        Account::DeclinedLosses | Account::WriteOffs | Account::Chargebacks => {
            Figures { lost_minor: line.amount_minor, ..nothing }
        }
        _ => nothing,
    }
}
