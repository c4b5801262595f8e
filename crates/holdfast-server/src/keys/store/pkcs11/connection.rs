//! One login to a token, a bounded pool of sessions, and a way back when the token went and came again.
//!
//! PKCS#11 is one global state per process and module. Calls hold the connection for reading; whoever finds it lost takes it for writing, ends
//! it whole (C_Finalize) and starts anew: some modules see a token that came back only then. Attempts are spaced, and a PIN that was refused is
//! not offered again, for tokens lock themselves after a few.

use super::super::KeyStoreError;
use super::settings::TokenSettings;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Sessions at once, the one that holds the login not counted.
pub const SESSIONS_MAX: usize = 16;
/// How long a call waits for a session that another one gives back.
const SESSION_WAIT: Duration = Duration::from_secs(30);
/// Between two attempts to reach a token that is not there.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a call is about, to judge its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// The token checks a padding: an error may be the envelope's.
    OaepInTheToken,
    Other,
}

#[derive(Debug)]
pub struct Connection {
    settings: TokenSettings,
    module: Pkcs11,
    state: RwLock<State>,
    logins: AtomicU64,
}

#[derive(Debug)]
enum State {
    Up(Login),
    Down {
        since: Option<Instant>,
        why: String,
    },
    /// The PIN was refused: final until somebody changes it and starts anew.
    LockedOut(String),
}

#[derive(Debug)]
struct Login {
    slot: Slot,
    /// Which login of this process it is.
    generation: u64,
    /// Keeps the login: it is the application's, and ends with its last session.
    _anchor: Mutex<Session>,
    pool: Mutex<Pool>,
    given_back: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Session>,
    out_count: usize,
}

impl Connection {
    /// Loads the module.
    ///
    /// # Errors
    /// When it is no PKCS#11 module.
    pub fn load(settings: TokenSettings) -> Result<Self, KeyStoreError> {
        let module = Pkcs11::new(&settings.module).map_err(|error| {
            let path = settings.module.display();
            KeyStoreError::Setting(format!("{path} cannot be loaded as a PKCS#11 module: {error}"))
        })?;
        let state = RwLock::new(State::Down { since: None, why: "it was not tried yet".to_owned() });
        Ok(Self { settings, module, state, logins: AtomicU64::new(0) })
    }

    /// Runs `work` in a session, once more after a new login when the first try finds the token lost.
    ///
    /// # Errors
    /// What [`KeyStoreError`] says. `work` must bear to be run twice.
    pub fn run<T>(&self, call: Call, work: impl Fn(&Session) -> Result<T, Error>) -> Result<T, KeyStoreError> {
        let mut last = None;
        for _ in 0..2 {
            self.connect()?;
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let State::Up(login) = &*state else { continue };
            let generation = login.generation;
            match login.with_session(&self.module, &work) {
                Ok(value) => return Ok(value),
                Err(error) if call == Call::OaepInTheToken && !is_lost(&error) => return Err(unclear(&error)),
                Err(error) => last = Some(error),
            }
            drop(state);
            self.disconnect(generation, last.as_ref());
        }
        let why = last.map_or_else(|| "the token went away again".to_owned(), |error| error.to_string());
        Err(KeyStoreError::Unavailable(why))
    }

    /// Logs in unless it is done.
    fn connect(&self) -> Result<(), KeyStoreError> {
        if let State::Up(_) = &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(());
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            // Somebody was faster.
            State::Up(_) => return Ok(()),
            State::LockedOut(why) => return Err(KeyStoreError::Setting(why.clone())),
            State::Down { since: Some(since), why } if since.elapsed() < RETRY_AFTER => {
                return Err(KeyStoreError::Unavailable(why.clone()));
            }
            State::Down { .. } => {}
        }
        match self.log_in() {
            Ok(login) => {
                tracing::info!(token = self.settings.token, "logged in to the token");
                *state = State::Up(login);
                Ok(())
            }
            Err(error) => {
                *state = match &error {
                    KeyStoreError::Setting(why) => State::LockedOut(why.clone()),
                    other => State::Down { since: Some(Instant::now()), why: other.to_string() },
                };
                Err(error)
            }
        }
    }

    fn log_in(&self) -> Result<Login, KeyStoreError> {
        let token = &self.settings.token;
        let unavailable = |error: Error| KeyStoreError::Unavailable(format!("the token `{token}`: {error}"));
        match self.module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(unavailable(error)),
        }
        let slot = self.slot().map_err(unavailable)?.ok_or_else(|| {
            // Ended, so that the next attempt sees what is there then.
            let _ = self.module.clone().finalize();
            KeyStoreError::Unavailable(format!("there is no token `{token}`: plug it in, or check --pkcs11-token"))
        })?;
        let anchor = self.module.open_rw_session(slot).map_err(unavailable)?;
        match anchor.login(UserType::User, Some(&self.settings.pin.0)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(Error::Pkcs11(refused, _)) if is_pin(refused) => {
                return Err(KeyStoreError::Setting(format!(
                    "the token `{token}` refuses the PIN ({refused}). It is not offered again, lest the token lock itself: \
                     put the right one in its place and start anew"
                )));
            }
            Err(error) => return Err(unavailable(error)),
        }
        let generation = self.logins.fetch_add(1, Ordering::Relaxed);
        let (pool, given_back) = (Mutex::default(), Condvar::new());
        Ok(Login { slot, generation, _anchor: Mutex::new(anchor), pool, given_back })
    }

    fn slot(&self) -> Result<Option<Slot>, Error> {
        for slot in self.module.get_slots_with_token()? {
            let info = self.module.get_token_info(slot)?;
            if info.token_initialized() && info.label().trim_end() == self.settings.token {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    /// Ends a connection that was found lost, unless another call has made a new one in between.
    fn disconnect(&self, generation: u64, error: Option<&Error>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*state, State::Up(login) if login.generation == generation) {
            let why = error.map(ToString::to_string).unwrap_or_default();
            tracing::warn!(token = self.settings.token, error = why, "the token is lost; logging in anew");
            // Its sessions first.
            *state = State::Down { since: None, why };
            let _ = self.module.clone().finalize();
        }
    }
}

impl Login {
    fn with_session<T>(&self, module: &Pkcs11, work: &impl Fn(&Session) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.take();
        let opened = match idle {
            Some(session) => Ok(session),
            None => module.open_rw_session(self.slot),
        };
        let outcome = opened.and_then(|session| work(&session).map(|value| (value, session)));
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.out_count = pool.out_count.saturating_sub(1);
        // A session that failed may be in the midst of something: it is closed.
        let outcome = outcome.map(|(value, session)| {
            pool.idle.push(session);
            value
        });
        drop(pool);
        self.given_back.notify_one();
        outcome
    }

    /// An idle session, or leave to open one.
    fn take(&self) -> Option<Session> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let end = Instant::now() + SESSION_WAIT;
        while pool.idle.is_empty() && pool.out_count >= SESSIONS_MAX {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // One more than meant is better than a payment that waits behind a hung call.
                break;
            }
            pool = self.given_back.wait_timeout(pool, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        pool.out_count += 1;
        pool.idle.pop()
    }
}

fn is_pin(error: RvError) -> bool {
    matches!(
        error,
        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange | RvError::PinExpired | RvError::PinLocked
    )
}

/// Errors that tell of the token, its sessions or its objects, and never of an envelope.
fn is_lost(error: &Error) -> bool {
    let Error::Pkcs11(error, _) = error else { return true };
    matches!(
        error,
        RvError::DeviceError
            | RvError::DeviceMemory
            | RvError::DeviceRemoved
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::SessionClosed
            | RvError::SessionCount
            | RvError::SessionHandleInvalid
            | RvError::SlotIdInvalid
            | RvError::UserNotLoggedIn
            | RvError::CryptokiNotInitialized
            | RvError::ObjectHandleInvalid
            | RvError::KeyHandleInvalid
            | RvError::HostMemory
    )
}

fn unclear(error: &Error) -> KeyStoreError {
    match error {
        Error::Pkcs11(
            RvError::ArgumentsBad
            | RvError::MechanismInvalid
            | RvError::MechanismParamInvalid
            | RvError::FunctionNotSupported,
            _,
        ) => KeyStoreError::Setting(format!(
            "the token does not do RSA-OAEP with SHA-256 ({error}): use --pkcs11-mechanism raw, which checks the padding outside"
        )),
        error => KeyStoreError::Unclear(error.to_string()),
    }
}
