//! STANs: each server takes a block of the day's numbers and gives them out by itself, so that servers do not wait for each other with every
//! message.

use super::LogError;
use crate::store::{Books, Ledger as _};
use holdfast_core::time::utc_day;
use tokio::sync::Mutex;

/// Field 11 has six digits.
const STAN_MAX: i64 = 999_999;
/// Numbers that a server takes at once. What it has not given out when it ends is not given out any more.
const BLOCK: i64 = 100;
/// Numbers that are passed over when the books came from a copy on this day, or a standby took their place: some that are missing in them were
/// sent.
const PASSED_OVER: i64 = 100_000;

/// What is left of this server's block.
#[derive(Debug, Default)]
pub struct Stans(Mutex<Block>);

#[derive(Debug, Default)]
struct Block {
    day: i64,
    next: i64,
    /// The first that is not ours.
    end: i64,
}

impl Stans {
    /// The next number of `day`.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn next(&self, books: &Books, day: i64) -> Result<u32, LogError> {
        let mut block = self.0.lock().await;
        if block.day != day || block.next >= block.end {
            *block = take_block(books, day).await?;
        }
        if block.next > STAN_MAX {
            return Err(LogError::NumbersUsedUp);
        }
        let stan = u32::try_from(block.next).map_err(|_| LogError::NumbersUsedUp)?;
        block.next += 1;
        Ok(stan)
    }
}

async fn take_block(books: &Books, day: i64) -> Result<Block, LogError> {
    let passed_over = if utc_day(books.restored_ms()) >= day { PASSED_OVER } else { 0 };
    let epoch = books.epoch();
    let write = books.db().write(move |c| {
        Box::pin(async move {
            let last: i64 = sqlx::query_scalar(
                "INSERT INTO stans (day, last, epoch) VALUES ($1, $2, $3) ON CONFLICT (day) DO UPDATE SET epoch = excluded.epoch,
                   last = stans.last + CASE WHEN stans.epoch = excluded.epoch THEN $4 ELSE $5 END
                 RETURNING last",
            )
            .bind(day)
            .bind(passed_over + BLOCK)
            .bind(epoch)
            .bind(BLOCK)
            .bind(PASSED_OVER + BLOCK)
            .fetch_one(c)
            .await?;
            Ok(last)
        })
    });
    let last = write.await?;
    Ok(Block { day, next: last - BLOCK + 1, end: last + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Place;
    use crate::store::care::start_anew;
    use std::path::Path;

    async fn books(path: &Path) -> Books {
        Books::open(&Place::Sqlite(path.to_owned()), "epoch-1").await.expect("opens")
    }

    #[tokio::test]
    async fn a_number_is_given_out_once_a_day_whoever_asks() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("books.sqlite");
        let (first, second, one) = (Stans::default(), Stans::default(), books(&path).await);
        let mut given = std::collections::BTreeSet::new();
        for _ in 0..250 {
            for stans in [&first, &second] {
                assert!(given.insert(stans.next(&one, 7).await.expect("a number")));
            }
        }
        assert_eq!(first.next(&one, 8).await.expect("a number"), 1, "each day has its own");
        // A server that begins anew does not know what the one before had left of its block.
        assert!(given.insert(Stans::default().next(&one, 7).await.expect("a number")));

        // A copy may lack numbers that were sent on its day; a later day is not touched by that.
        let now_ms = 9 * holdfast_core::time::DAY_MS;
        first.next(&one, 9).await.expect("a number");
        start_anew(one.db(), "epoch-2", now_ms).await.expect("writes");
        one.close().await;
        let again = books(&path).await;
        let stans = Stans::default();
        let [on, of, later] = [9, 9, 10].map(|day| (day, &stans));
        let mut next = Vec::new();
        for (day, stans) in [on, of, later] {
            next.push(stans.next(&again, day).await.expect("a number"));
        }
        assert_eq!(next, [100_101, 100_102, 1]);
    }

    #[tokio::test]
    async fn the_numbers_of_a_day_come_to_an_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let books = books(&folder.path().join("books.sqlite")).await;
        let stans = Stans::default();
        stans.next(&books, 7).await.expect("a number");
        let text = "UPDATE stans SET last = 999899";
        let write =
            books.db().write(move |c| Box::pin(async move { Ok(sqlx::query(text).execute(c).await?.rows_affected()) }));
        write.await.expect("writes");
        let stans = Stans::default();
        for expected in 999_900..=999_999 {
            assert_eq!(stans.next(&books, 7).await.expect("a number"), expected);
        }
        assert!(matches!(stans.next(&books, 7).await, Err(LogError::NumbersUsedUp)));
        assert!(matches!(stans.next(&books, 7).await, Err(LogError::NumbersUsedUp)));
    }
}
