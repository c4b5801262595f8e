//! A shop's business day: the zone of its clock, and the hour when its day begins.
//!
//! The zones come with the program, so that a container or a tablet without them counts the same days.

use super::Journal;
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::books::When;
use holdfast_core::id::MerchantId;
use holdfast_core::time::{DAY_MS, UnixMs, utc_day};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// What is wrong with a calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("this time zone is not known: use a name such as Europe/Berlin")]
    Zone,
    #[error("a day begins at an hour from 0 to 23")]
    Hour,
}

/// The days and hours of a shop.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    name: String,
    day_start_hour: i8,
}

impl Calendar {
    /// # Errors
    /// When the zone is unknown or the hour is none.
    pub fn new(zone: &str, day_start_hour: i64) -> Result<Self, CalendarError> {
        let day_start_hour = i8::try_from(day_start_hour).ok().filter(|hour| (0..24).contains(hour));
        Ok(Self {
            zone: TimeZone::get(zone).map_err(|_| CalendarError::Zone)?,
            name: zone.to_owned(),
            day_start_hour: day_start_hour.ok_or(CalendarError::Hour)?,
        })
    }

    pub fn utc() -> Self {
        Self { zone: TimeZone::UTC, name: "UTC".to_owned(), day_start_hour: 0 }
    }

    pub fn zone(&self) -> &str {
        &self.name
    }

    pub fn day_start_hour(&self) -> i64 {
        i64::from(self.day_start_hour)
    }

    /// The business day and the hour on the shop's clock. What is sold before the day's first hour counts for the day before, as the
    /// shop's staff see it: by the clock on the wall, whatever it was set to that night.
    pub fn when(&self, at_ms: UnixMs) -> When {
        let local = Timestamp::from_millisecond(at_ms).map(|instant| self.zone.to_datetime(instant));
        let Ok(local) = local else { return When { at_ms, day: utc_day(at_ms), hour: 0 } };
        let hour = u8::try_from(local.hour()).unwrap_or(0);
        let start = local.checked_sub(i64::from(self.day_start_hour).hours()).unwrap_or(local);
        When { at_ms, day: civil_day(start.date()), hour }
    }

    /// From when until when (the end is not in it) a business day lasts. A day when clocks are set is shorter or longer.
    pub fn window(&self, day: i64) -> (UnixMs, UnixMs) {
        (self.begin_of(day), self.begin_of(day.saturating_add(1)))
    }

    /// The same of one hour of a business day, by the clock on the wall.
    pub fn hour_window(&self, day: i64, hour: u8) -> (UnixMs, UnixMs) {
        let hour = i8::try_from(hour).unwrap_or(0).clamp(0, 23);
        // What comes before the day's first hour is already the next date.
        let date = if hour < self.day_start_hour { day.saturating_add(1) } else { day };
        let from_ms = self.instant(date, hour);
        let to_ms = if hour == 23 { self.instant(date.saturating_add(1), 0) } else { self.instant(date, hour + 1) };
        (from_ms, to_ms)
    }

    fn begin_of(&self, day: i64) -> UnixMs {
        self.instant(day, self.day_start_hour)
    }

    fn instant(&self, date: i64, hour: i8) -> UnixMs {
        let utc_ms = date.saturating_mul(DAY_MS);
        let local = EPOCH.checked_add(date.days()).map(|date| date.at(hour, 0, 0, 0));
        // Where that hour is left out, the day begins when the clock goes on.
        let instant = local.and_then(|local| self.zone.to_timestamp(local));
        instant.map_or(utc_ms, Timestamp::as_millisecond)
    }
}

/// Days since 1970-01-01.
pub(super) fn civil_day(date: Date) -> i64 {
    date.duration_since(EPOCH).as_secs().div_euclid(86_400)
}

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

impl Journal {
    /// Sets a shop's calendar. What is booked stays on the day that it was booked on.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_calendar(&self, merchant_id: MerchantId, calendar: &Calendar) -> Result<(), StoreError> {
        let (zone, hour) = (calendar.name.clone(), calendar.day_start_hour());
        self.db
            .write(move |c| {
                Box::pin(async move {
                    sqlx::query("UPDATE merchants SET zone = $1, day_start_hour = $2 WHERE id = $3")
                        .bind(zone)
                        .bind(hour)
                        .bind(merchant_id.to_string())
                        .execute(c)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// A shop's calendar.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn calendar(&self, merchant_id: MerchantId) -> Result<Calendar, StoreError> {
        let row = sqlx::query(FIND).bind(merchant_id.to_string()).fetch_optional(self.db.reader()).await?;
        parse(row.as_ref())
    }
}

const FIND: &str = "SELECT zone, day_start_hour FROM merchants WHERE id = $1";

pub(super) async fn read(c: &mut Conn, merchant_id: MerchantId) -> Result<Calendar, StoreError> {
    let row = sqlx::query(FIND).bind(merchant_id.to_string()).fetch_optional(c).await?;
    parse(row.as_ref())
}

fn parse(row: Option<&AnyRow>) -> Result<Calendar, StoreError> {
    let Some(row) = row else { return Ok(Calendar::utc()) };
    let zone: &str = row.try_get("zone")?;
    Ok(Calendar::new(zone, row.try_get("day_start_hour")?).unwrap_or_else(|error| {
        // The books must go on; receipts take the same way out.
        tracing::error!(%error, zone, "a shop's calendar cannot be read, and is UTC meanwhile");
        Calendar::utc()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_core::time::iso_date;

    fn check(zone: &str, start: i64, instant: &str, day: &str, hour: u8) {
        let at_ms = instant.parse::<Timestamp>().expect("an instant").as_millisecond();
        let when = Calendar::new(zone, start).expect("a calendar").when(at_ms);
        assert_eq!((iso_date(when.day).as_str(), when.hour), (day, hour), "{instant} in {zone} from {start}");
    }

    #[test]
    fn a_bar_closes_after_midnight_and_clocks_are_set() {
        check("UTC", 0, "2026-11-23T23:59:59.999Z", "2026-11-23", 23);
        // Two in the morning in Berlin belongs to the evening before when the day begins at four.
        check("Europe/Berlin", 4, "2026-11-24T01:00:00Z", "2026-11-23", 2);
        check("Europe/Berlin", 4, "2026-11-24T03:00:00Z", "2026-11-24", 4);
        // 29 March 2026, 01:00 UTC: the clock goes from two to three. The day still begins when it shows four.
        check("Europe/Berlin", 4, "2026-03-29T00:59:59Z", "2026-03-28", 1);
        check("Europe/Berlin", 4, "2026-03-29T01:30:00Z", "2026-03-28", 3);
        check("Europe/Berlin", 4, "2026-03-29T02:00:00Z", "2026-03-29", 4);
        // 25 October 2026: two o'clock comes twice, and both are the evening before.
        check("Europe/Berlin", 4, "2026-10-25T00:30:00Z", "2026-10-24", 2);
        check("Europe/Berlin", 4, "2026-10-25T01:30:00Z", "2026-10-24", 2);
        check("Pacific/Apia", 0, "2026-11-23T11:00:00Z", "2026-11-24", 0);
        check("America/Los_Angeles", 0, "2026-11-23T07:59:00Z", "2026-11-22", 23);
        check("Asia/Kathmandu", 0, "2026-11-23T18:15:00Z", "2026-11-24", 0);
    }

    #[test]
    fn a_window_is_the_day_that_its_instants_say() {
        for (zone, start) in
            [("UTC", 0), ("Europe/Berlin", 4), ("Europe/Berlin", 2), ("Pacific/Apia", 0), ("America/Los_Angeles", 3)]
        {
            let calendar = Calendar::new(zone, start).expect("a calendar");
            // 2026, with both nights when clocks are set.
            for day in 20_454..20_819 {
                let (from_ms, to_ms) = calendar.window(day);
                let days = [from_ms - 1, from_ms, to_ms - 1, to_ms].map(|at_ms| calendar.when(at_ms).day);
                assert_eq!(days, [day - 1, day, day, day + 1], "{zone} {start} {}", iso_date(day));
            }
        }
    }

    #[test]
    fn the_hours_of_a_day_are_its_window() {
        for (zone, start) in [("UTC", 0), ("Europe/Berlin", 4), ("Asia/Kathmandu", 3)] {
            let calendar = Calendar::new(zone, start).expect("a calendar");
            let day = 20_780;
            let mut at_ms = calendar.window(day).0;
            for hour in (0..24).map(|n| u8::try_from((n + start) % 24).expect("an hour")) {
                let (from_ms, to_ms) = calendar.hour_window(day, hour);
                assert_eq!(from_ms, at_ms, "{zone} {hour}");
                let when = calendar.when(from_ms);
                assert_eq!((when.day, when.hour), (day, hour));
                at_ms = to_ms;
            }
            assert_eq!(at_ms, calendar.window(day).1);
        }
    }

    #[test]
    fn what_is_no_calendar_is_refused() {
        assert!(matches!(Calendar::new("Europe/Atlantis", 0), Err(CalendarError::Zone)));
        assert!(matches!(Calendar::new("UTC", 24), Err(CalendarError::Hour)));
        assert!(matches!(Calendar::new("UTC", -1), Err(CalendarError::Hour)));
    }
}
