//! Every limit of Holdfast in one place, units last in the name.

/// Records in one upload.
pub const BATCH_RECORDS_MAX: usize = 50;
/// Bytes of one upload's body.
pub const BATCH_BYTES_MAX: usize = 262_144;
/// Bytes of one compact record (an envelope of 512 bytes of plaintext needs about 1.9 KiB; the sale takes the rest).
pub const RECORD_BYTES_MAX: usize = 32_768;
/// Lines of one sale.
pub const SALE_LINES_MAX: usize = 200;
/// Characters of an item's name in a sale.
pub const NAME_CHARS_MAX: usize = 120;
/// Payments that may wait on one device. At the cap the till refuses the next one and says why.
pub const WAITING_PAYMENTS_MAX: usize = 5_000;
/// Cards that a device tells apart on one day. Beyond it only the day's and the device's sums are counted.
pub const CARD_TAGS_MAX: usize = 5_000;
/// How long a manager's word holds for the sale at the counter.
pub const APPROVAL_MS_MAX: i64 = 300_000;
/// A wall clock that moved further than this since the trusted time was kept is not believed: card keys are known for so long.
pub const CLOCK_GAP_MS_MAX: i64 = 8 * 24 * 3_600_000;
/// Journal files that a page keeps prepared and open for the next payments.
pub const PREPARED_FILES_MAX: usize = 3;
/// A prepared file that nobody holds open and that is older than this was left behind.
pub const PREPARED_STALE_MS: i64 = 600_000;
/// Payments that the device's own store may fail to settle, each for itself, before a run of the uploader gives up.
pub const SETTLE_FAULTS_MAX: usize = 3;
/// Journal files that are removed at the same time after a batch.
pub const REMOVALS_AT_ONCE_MAX: usize = 16;
/// Batches that one run of the uploader sends before it hands the lock back.
pub const BATCHES_PER_RUN_MAX: usize = 200;

/// Tombstones in one request after the server's epoch changed, the bytes of its body, and requests of one run.
pub const OFFER_STONES_MAX: usize = 50;
pub const OFFER_BYTES_MAX: usize = 65_536;
pub const OFFERS_PER_RUN_MAX: usize = 200;
/// Payments of one device that the server writes down as missing.
pub const MISSING_PER_DEVICE_MAX: u64 = 20_000;

/// The offline window: 72 hours.
pub const WINDOW_MS_MAX: i64 = 72 * 3_600_000;
/// The shortest window that a shop can set.
pub const POLICY_WINDOW_MS_MIN: i64 = 3_600_000;
/// A policy is signed anew after this long, with the rates of the day.
pub const POLICY_FRESH_MS: i64 = 12 * 3_600_000;
/// How long after the window a card key still opens envelopes: late uploads must be recognised, not lost.
pub const KEY_MARGIN_MS: i64 = 7 * 24 * 3_600_000;
/// Card keys are published this many days ahead of today's.
pub const KEY_DAYS_AHEAD: u32 = 7;
/// How long a till keeps a tombstone of an acknowledged payment.
pub const TOMBSTONE_MS: i64 = 7 * 24 * 3_600_000;
/// A key set is renewed by the server at the latest this long after its issue.
pub const KEYSET_LIFE_MS: i64 = 9 * 24 * 3_600_000;
/// A key-set signer's certificate lives 90 days.
pub const SIGNER_LIFE_MS: i64 = 90 * 24 * 3_600_000;

/// How long a sale waits for an answer while online, before it becomes a stored payment under the same id.
pub const ONLINE_ANSWER_MS_MAX: i64 = 8_000;
/// And while the acquirer is away and the server stands in: enough to hand the payment over.
pub const STAND_IN_MS_MAX: i64 = 2_500;
/// Longest long-poll that the server holds.
pub const POLL_WAIT_MS_MAX: i64 = 10_000;
/// Time-out of one upload request.
pub const UPLOAD_MS_MAX: i64 = 30_000;

/// First and longest delay between two upload attempts that failed.
pub const UPLOAD_RETRY_MS_MIN: i64 = 1_000;
pub const UPLOAD_RETRY_MS_MAX: i64 = 60_000;
/// The longest that a till stays away because the server asked for it. An answer that asks for more may come from anything in between.
pub const UPLOAD_ASKED_MS_MAX: i64 = 300_000;

/// Delay between two probes while all is well, and while something is down.
pub const PROBE_CALM_MS: i64 = 20_000;
pub const PROBE_DOWN_MS: i64 = 3_000;
/// Time-out of one probe.
pub const PROBE_MS_MAX: i64 = 4_000;

/// Between two looks whether an acquirer that was not there is back.
pub const ACQUIRER_PROBE_MS: u64 = 2_000;
/// First and longest delay between two attempts to reach an acquirer.
pub const ACQUIRER_RETRY_MS_MIN: i64 = 2_000;
pub const ACQUIRER_RETRY_MS_MAX: i64 = 300_000;

/// Instructions (refunds, voids, retries) about one payment, refused ones included.
pub const INSTRUCTIONS_MAX: usize = 60;
/// How often a declined payment is tried again. Brands allow more; who was declined five times will be a sixth time.
pub const RETRIES_MAX: u32 = 5;
/// How often the customer of an unpaid sale may pay it again on its live receipt, and for how long after the sale: 30 days.
pub const PAY_AGAIN_MAX: usize = 5;
pub const PAY_AGAIN_MS_MAX: i64 = 30 * 24 * 3_600_000;

/// An enrolment code lives ten minutes.
pub const ENROLMENT_CODE_MS: i64 = 600_000;
/// A person's session ends this long after the sign-in, whatever happens in it.
pub const SESSION_MS_MAX: i64 = 12 * 3_600_000;
/// And this long after its last request.
pub const SESSION_IDLE_MS_MAX: i64 = 30 * 60_000;
/// A session that still waits for its second factor.
pub const SESSION_HALF_MS_MAX: i64 = 10 * 60_000;
/// A one-time link to choose a password.
pub const INVITATION_MS: i64 = 24 * 3_600_000;
/// Failed attempts to sign in that are free, of one account and from one address. Each further one doubles the wait.
pub const SIGN_IN_FREE_OF_ACCOUNT: i64 = 5;
pub const SIGN_IN_FREE_OF_ADDRESS: i64 = 20;
pub const SIGN_IN_WAIT_MS_MIN: i64 = 30_000;
pub const SIGN_IN_WAIT_MS_MAX: i64 = 15 * 60_000;
/// After this long without an attempt, failures are forgotten.
pub const SIGN_IN_MEMORY_MS: i64 = 24 * 3_600_000;
/// How often something may be asked: so many times at once, and so many times a second in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub burst: u32,
    pub per_second: u32,
}

/// What one address may ask as tills do: a festival's thousand tills come from one, and may all come back at once.
pub const RATE_TILLS_OF_ADDRESS: Rate = Rate { burst: 10_000, per_second: 2_000 };
/// Everything else that one address may ask: files, pages, programs.
pub const RATE_OTHERS_OF_ADDRESS: Rate = Rate { burst: 5_000, per_second: 500 };
/// Passwords, codes and links that one address may try, right or wrong. Those that are wrong wait longer each time besides.
pub const RATE_SIGN_INS_OF_ADDRESS: Rate = Rate { burst: 100, per_second: 5 };
/// Payments that one device may upload alone, batches of more, and what else it may ask. They are counted apart, so that a queue that
/// is worked off holds up no live sale, and a live sale no queue.
pub const RATE_SALES_OF_DEVICE: Rate = Rate { burst: 200, per_second: 20 };
pub const RATE_BATCHES_OF_DEVICE: Rate = Rate { burst: 200, per_second: 20 };
pub const RATE_REQUESTS_OF_DEVICE: Rate = Rate { burst: 1_000, per_second: 100 };
/// Addresses, or devices, that one of these limits remembers twice over, at most.
pub const RATE_REMEMBERED_MAX: usize = 32_768;
/// Characters of a request's id that a proxy gives.
pub const REQUEST_ID_CHARS_MAX: usize = 64;
/// A repeated request gets its first answer again for this long.
pub const REPEAT_MS: i64 = 24 * 3_600_000;
/// Characters of an Idempotency-Key.
pub const REPEAT_KEY_CHARS_MAX: usize = 255;

/// Digits of a PIN.
pub const PIN_DIGITS_MIN: usize = 4;
pub const PIN_DIGITS_MAX: usize = 8;
/// Wrong PINs of one person at one tablet that are free. Each further one doubles the wait, which is never longer than the last figure.
pub const PIN_FREE_MAX: u32 = 3;
pub const PIN_WAIT_MS_MIN: i64 = 30_000;
pub const PIN_WAIT_MS_MAX: i64 = 15 * 60_000;
/// Rounds of PBKDF2-HMAC-SHA-256 for a new PIN (OWASP's password storage sheet), and the most that a till carries out.
pub const PIN_ROUNDS: u32 = 600_000;
pub const PIN_ROUNDS_MAX: u32 = 2_000_000;
/// People on a shop's staff list, those who left included.
pub const STAFF_MAX: usize = 500;
/// Characters of a name on it.
pub const STAFF_NAME_CHARS_MAX: usize = 60;
/// The longest time without a touch after which a till may be told to lock itself.
pub const IDLE_LOCK_MS_MAX: i64 = 12 * 3_600_000;
/// The highest tip that a shop may offer as a percentage, in basis points.
pub const TIP_BP_MAX: i64 = 10_000;

/// Bytes of plaintext in an envelope, after padding.
pub const PLAINTEXT_BYTES: usize = 512;
/// Largest `limit` of a history page.
pub const HISTORY_PAGE_MAX: usize = 200;
/// Payments of the history that a till keeps; older ones are asked for.
pub const HISTORY_KEPT_MAX: usize = 2_000;

/// Receipts that may be sent by e-mail for one payment.
pub const RECEIPT_MAILS_MAX: usize = 5;
/// How long a letter is tried to be sent before it is given up.
pub const MAIL_MS_MAX: i64 = 48 * 3_600_000;
/// First and longest delay between two attempts to send a letter.
pub const MAIL_RETRY_MS_MIN: i64 = 2_000;
pub const MAIL_RETRY_MS_MAX: i64 = 3_600_000;
/// Bytes of one part of a merchant's own template, steps that it may take, and bytes that it may write.
pub const MAIL_TEMPLATE_BYTES_MAX: usize = 16_384;
pub const MAIL_TEMPLATE_STEPS_MAX: u64 = 50_000;
pub const MAIL_OUTPUT_BYTES_MAX: usize = 131_072;
/// Bytes of the form in which templates are edited: each byte of theirs may take three there. Versions that are kept.
pub const MAIL_TEMPLATE_FORM_BYTES_MAX: usize = 131_072;
pub const MAIL_TEMPLATE_VERSIONS_MAX: i64 = 50;
/// Bytes that are read of a message that came back.
pub const BOUNCE_BYTES_MAX: u64 = 262_144;
/// Characters of an e-mail address (RFC 5321 section 4.5.3.1.3, without the brackets).
pub const EMAIL_CHARS_MAX: usize = 254;
/// Receipts that a till holds for customers until they can be sent.
pub const RECEIPT_REQUESTS_MAX: usize = 200;
/// The largest amount of one line or payment that the books take, in minor units: nine million of them still fit a sum.
pub const BOOKED_MINOR_MAX: i64 = 1_000_000_000_000;
/// The highest tax rate that the books take for one, in basis points.
pub const BOOKED_TAX_BP_MAX: u32 = 100_000;
/// Events of payments that one transaction books.
pub const BOOKED_AT_ONCE_MAX: usize = 256;
/// What we captured so close to the end of a day may be in the acquirer's account of the next one.
pub const SETTLEMENT_BORDER_MS: i64 = 15 * 60_000;
/// How long after a day's end its account is asked for.
pub const SETTLEMENT_LAG_MS: i64 = 10 * 60_000;
/// How many days back accounts are asked for that are not here, and days with open differences are compared again.
pub const SETTLEMENT_DAYS_BACK: i64 = 7;
pub const SETTLEMENT_OPEN_DAYS_BACK: i64 = 90;
/// Lines, bytes of a line and unreadable lines that are kept of one settlement file.
pub const SETTLEMENT_LINES_MAX: usize = 500_000;
pub const SETTLEMENT_LINE_BYTES_MAX: usize = 4_096;
pub const SETTLEMENT_FAULTS_MAX: usize = 1_000;
/// Characters of a client's id for a move of cash, and of its note.
pub const CASH_ID_CHARS_MAX: usize = 64;
pub const CASH_NOTE_CHARS_MAX: usize = 120;

/// Webhook endpoints of one merchant.
pub const WEBHOOKS_MAX: usize = 10;
/// Characters of an endpoint's address.
pub const WEBHOOK_URL_CHARS_MAX: usize = 2_048;
/// How long an endpoint may take for its answer.
pub const WEBHOOK_MS_MAX: i64 = 15_000;
/// Waits before the second and every further attempt; after the last a delivery has failed. Together about 28 hours.
pub const WEBHOOK_DELAYS_MS: [i64; 7] = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];
/// By how much chance may lengthen a wait.
pub const WEBHOOK_JITTER_PERCENT: i64 = 20;
/// An endpoint that took nothing for this long is switched off.
pub const WEBHOOK_FAILING_MS_MAX: i64 = 5 * 24 * 3_600_000;
/// A secret that was replaced signs for this long beside the new one.
pub const WEBHOOK_OVERLAP_MS: i64 = 24 * 3_600_000;
/// How long messages and what became of them are kept, and so how far back they can be sent again.
pub const WEBHOOK_KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// Deliveries that are under way at once: of one server, and of one endpoint there.
pub const WEBHOOKS_AT_ONCE_MAX: usize = 32;
pub const WEBHOOKS_AT_ONCE_OF_ONE_MAX: usize = 4;
/// Characters of an answer that are kept, and bytes that are read.
pub const WEBHOOK_EXCERPT_CHARS_MAX: usize = 200;
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 4_096;
/// Events that one transaction turns into messages, and messages that one transaction sends again or forgets.
pub const WEBHOOKS_MADE_AT_ONCE_MAX: usize = 64;
pub const WEBHOOKS_REPLAYED_AT_ONCE_MAX: usize = 500;
