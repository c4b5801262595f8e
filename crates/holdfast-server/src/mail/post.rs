//! Where letters are handed over: a mail server, or a folder in the demo.

use super::settings::{Line, MailSettings, MailSettingsError, Smtp};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For one command of the conversation, and for the whole of it.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(20);
const SEND_TIME_MAX: Duration = Duration::from_secs(45);
/// Letters that a demo keeps.
const FOLDER_MAX: usize = 500;

/// Answers with a 5 that speak of us, not of the address: commands that are not known, and everything about signing in.
const OUR_FAULT: [&str; 8] = ["500", "502", "503", "504", "530", "534", "535", "538"];

/// A way for letters.
pub enum Post {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    /// The demo's.
    Folder(PathBuf),
    /// None is set up.
    Nowhere,
}

/// Why a letter was not taken. Only codes: the words of a mail server often name the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostError {
    /// It never will be.
    Refused { code: String },
    /// It may be, later.
    Later { code: Option<String> },
}

impl Post {
    /// The way that the settings name; in a demo without a mail server, a folder.
    ///
    /// # Errors
    /// When a certificate cannot be used.
    pub fn open(settings: &MailSettings, demo_folder: Option<&Path>) -> Result<Self, MailSettingsError> {
        match (&settings.smtp, demo_folder) {
            (Some(smtp), _) => Ok(Self::Smtp(Box::new(transport(smtp)?))),
            (None, Some(folder)) => Ok(Self::Folder(folder.to_owned())),
            (None, None) => Ok(Self::Nowhere),
        }
    }

    pub fn is_somewhere(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    /// Hands a letter over. Its name is that of its file, where there is one.
    ///
    /// # Errors
    /// [`PostError`].
    pub async fn send(&self, name: &str, letter: Message) -> Result<(), PostError> {
        match self {
            Self::Smtp(transport) => match tokio::time::timeout(SEND_TIME_MAX, transport.send(letter)).await {
                Ok(sent) => sent.map(drop).map_err(|error| told(&error)),
                Err(_) => Err(PostError::Later { code: None }),
            },
            Self::Folder(folder) => {
                let (folder, name, bytes) = (folder.clone(), name.to_owned(), letter.formatted());
                let kept = tokio::task::spawn_blocking(move || keep(&folder, &name, &bytes)).await;
                kept.ok().and_then(Result::ok).ok_or(PostError::Later { code: None })
            }
            Self::Nowhere => Err(PostError::Later { code: None }),
        }
    }
}

fn told(error: &lettre::transport::smtp::Error) -> PostError {
    let code = error.status().map(|code| code.to_string());
    match code {
        Some(code) if error.is_permanent() && !OUR_FAULT.contains(&code.as_str()) => PostError::Refused { code },
        code => {
            if error.is_tls() || code.as_deref().is_some_and(|code| OUR_FAULT.contains(&code)) {
                tracing::error!(
                    code,
                    tls = error.is_tls(),
                    "the mail server does not take letters from here: check --smtp-url"
                );
            }
            PostError::Later { code }
        }
    }
}

fn transport(smtp: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailSettingsError> {
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
        .port(smtp.port)
        .timeout(Some(COMMAND_TIME_MAX))
        .tls(match smtp.line {
            Line::Implicit => Tls::Wrapper(tls(smtp)?),
            Line::StartTls => Tls::Required(tls(smtp)?),
            Line::Plain => Tls::None,
        });
    if let Some((user, password)) = &smtp.login {
        // Opened for the library, which signs in with it.
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().clone()));
    }
    Ok(builder.build())
}

fn tls(smtp: &Smtp) -> Result<TlsParameters, MailSettingsError> {
    let mut builder = TlsParameters::builder(smtp.host.clone());
    if let Some((path, pem)) = &smtp.ca {
        let form = || MailSettingsError::CaForm { path: path.clone() };
        builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(|_| form())?);
    }
    builder.build().map_err(|error| MailSettingsError::Tls(error.to_string()))
}

/// Whole or not at all; the same letter again is the same file.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut held: Vec<PathBuf> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    held.sort_by_key(|path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok());
    for old in held.iter().take(held.len().saturating_sub(FOLDER_MAX - 1)) {
        std::fs::remove_file(old)?;
    }
    let part = folder.join(format!("{name}.part"));
    std::fs::write(&part, bytes)?;
    std::fs::rename(part, folder.join(format!("{name}.eml")))
}
