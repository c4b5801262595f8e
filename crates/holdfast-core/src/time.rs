//! Instants as integers: milliseconds since the Unix epoch, given by whoever has a clock.

use crate::limits::CLOCK_GAP_MS_MAX;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMs = i64;

/// One day in milliseconds. Card keys change by UTC day.
pub const DAY_MS: i64 = 24 * 3_600_000;

/// What a till knows of the time: its own clock, which may be wrong, and the last time that the server signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// The tablet's wall clock.
    pub wall_ms: UnixMs,
    /// The tablet's monotonic clock. It starts anew with the page, so it is only compared within one `anchor`.
    pub mono_ms: i64,
    /// The last server time whose signature was right, if any since the start of this page.
    pub anchor: Option<Anchor>,
    /// The trusted time that an earlier page kept, if any.
    pub kept: Option<Kept>,
}

/// The trusted time as it was kept last, with the wall clock of that moment. A page that starts without a network goes on from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub trusted_ms: UnixMs,
    pub wall_ms: UnixMs,
}

/// A signed server time, pinned to the monotonic clock of the moment it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    pub server_ms: UnixMs,
    pub at_mono_ms: i64,
}

impl Reading {
    /// The best guess of the true time: the server's word carried on by the monotonic clock; else the time that was kept, carried on by the wall
    /// clock as far as that is to be believed, and at least by the monotonic one; else the tablet's clock.
    pub fn trusted_ms(&self) -> UnixMs {
        if let Some(a) = self.anchor {
            return a.server_ms.saturating_add(self.mono_ms.saturating_sub(a.at_mono_ms).max(0));
        }
        let Some(kept) = self.kept else { return self.wall_ms };
        // This page's own time has passed in any case: its monotonic clock began at 0.
        let least_ms = self.mono_ms.max(0);
        let passed_ms = self.wall_ms.saturating_sub(kept.wall_ms);
        let is_believed = (least_ms..=CLOCK_GAP_MS_MAX.saturating_add(least_ms)).contains(&passed_ms);
        kept.trusted_ms.saturating_add(if is_believed { passed_ms } else { least_ms })
    }
}

/// The UTC day of an instant as days since the epoch.
pub fn utc_day(at_ms: UnixMs) -> i64 {
    at_ms.div_euclid(DAY_MS)
}

/// `2026-11-23` for a day since the epoch (Howard Hinnant's civil-from-days, proleptic Gregorian).
pub fn iso_date(day: i64) -> String {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    let y = yoe + era * 400 + i64::from(m <= 2);
    format!("{y:04}-{m:02}-{d:02}")
}

/// Year and month (1 to 12) of an instant, in UTC: what an expiry date is compared with.
pub fn year_month(at_ms: UnixMs) -> (i32, u8) {
    let date = iso_date(utc_day(at_ms));
    let year = date.get(0..4).and_then(|y| y.parse().ok()).unwrap_or(9999);
    let month = date.get(5..7).and_then(|m| m.parse().ok()).unwrap_or(12);
    (year, month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (ms, date) in
            [(0, "1970-01-01"), (951_782_400_000, "2000-02-29"), (1_795_392_000_000, "2026-11-23"), (-1, "1969-12-31")]
        {
            assert_eq!(iso_date(utc_day(ms)), date);
        }
        assert_eq!(year_month(1_795_392_000_000), (2026, 11));
    }

    #[test]
    fn a_wrong_wall_clock_does_not_matter_once_the_server_spoke() {
        let r = Reading {
            wall_ms: 5,
            mono_ms: 1_500,
            anchor: Some(Anchor { server_ms: 1_795_392_000_000, at_mono_ms: 1_000 }),
            kept: Some(Kept { trusted_ms: 7, wall_ms: 7 }),
        };
        assert_eq!(r.trusted_ms(), 1_795_392_000_500);
    }

    /// A tablet is restarted without a network, and somebody sets its clock: to 1970, to 2040, or by the hour it was off.
    #[test]
    fn a_restart_offline_goes_on_from_the_time_that_was_kept() {
        let (then, hour) = (1_795_392_000_000, 3_600_000);
        let kept = Some(Kept { trusted_ms: then, wall_ms: then + 30_000 });
        let reading = |wall_ms, mono_ms| Reading { wall_ms, mono_ms, anchor: None, kept }.trusted_ms();
        for (wall_ms, mono_ms, trusted_ms) in [
            (then + 30_000 + 10 * hour, 1_000, then + 10 * hour),
            (0, 1_000, then + 1_000),
            (0, 5 * hour, then + 5 * hour),
            (2_208_988_800_000, 1_000, then + 1_000),
            (then + 30_000 - 60_000, 9_000, then + 9_000),
            (then + 30_000 + 8 * 24 * hour, 0, then + 8 * 24 * hour),
            (then + 30_000 + 8 * 24 * hour + 1, 0, then),
        ] {
            assert_eq!(reading(wall_ms, mono_ms), trusted_ms, "{wall_ms} {mono_ms}");
        }
        assert_eq!(Reading { wall_ms: 9, mono_ms: 4, anchor: None, kept: None }.trusted_ms(), 9);
    }
}
