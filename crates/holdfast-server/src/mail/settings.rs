//! How letters leave the server: what the operator says, read once at the start, with words for what is wrong.

use holdfast_crypto::{Secret, SecretString};
use lettre::address::Address;
use lettre::message::Mailbox;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// Where the password may be, besides a file.
const PASSWORD_VARIABLE: &str = "HOLDFAST_SMTP_PASSWORD";

/// Characters of the name in the address that bounces come to.
const BOUNCE_USER_CHARS_MAX: usize = 31;

/// The part of the command line that is about letters.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MailArgs {
    /// The mail server: smtps://user@host (TLS from the first byte), smtp://user@host (STARTTLS, never without), or smtp-plain://127.0.0.1:1025.
    #[arg(long, env = "HOLDFAST_SMTP_URL")]
    pub smtp_url: Option<String>,
    /// The file with the mail server's password, which only its owner may read; or HOLDFAST_SMTP_PASSWORD in the environment.
    #[arg(long, env = "HOLDFAST_SMTP_PASSWORD_FILE")]
    pub smtp_password_file: Option<PathBuf>,
    /// A further root that the mail server's certificate may come from, as PEM.
    #[arg(long, env = "HOLDFAST_SMTP_CA")]
    pub smtp_ca: Option<PathBuf>,
    /// Who sends receipts, as `Receipts <receipts@shop.example>`.
    #[arg(long, env = "HOLDFAST_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// Where letters that cannot be delivered are sent back to, as bounces@shop.example: each letter goes out under bounces+TOKEN@shop.example, and
    /// the mail system hands what comes in there to `holdfast mail bounce` (docs/receipts.md). Without it they go to the sender.
    #[arg(long, env = "HOLDFAST_BOUNCE_ADDRESS")]
    pub bounce_address: Option<String>,
    /// Where the outside world finds this server, as https://pay.shop.example: letters link to the live receipt there, and
    /// the back office keeps its cookies to encrypted connections.
    #[arg(long, env = "HOLDFAST_PUBLIC_URL")]
    pub public_url: Option<String>,
}

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    #[error("--smtp-url is not smtps://, smtp:// or smtp-plain:// with a host, and nothing after the port")]
    Url,
    #[error("--smtp-url holds a password: take it out, and give it in a file with --smtp-password-file")]
    PasswordInUrl,
    #[error(
        "--smtp-url is smtp-plain, which is for 127.0.0.1 and ::1 only: card receipts do not cross a network unencrypted"
    )]
    PlainAbroad,
    #[error("--smtp-url names a user: give the password with --smtp-password-file or in HOLDFAST_SMTP_PASSWORD")]
    NoPassword,
    #[error("--smtp-password-file {path} cannot be read: {source}")]
    PasswordFile { path: PathBuf, source: std::io::Error },
    #[error("--smtp-password-file {path} can be read by others than its owner: run `chmod 600` on it")]
    PasswordFileOpen { path: PathBuf },
    #[error("--smtp-ca {path} cannot be read: {source}")]
    Ca { path: PathBuf, source: std::io::Error },
    #[error("--smtp-ca {path} is no certificate in PEM")]
    CaForm { path: PathBuf },
    #[error("--mail-from is missing or no address: give one as `Receipts <receipts@shop.example>`")]
    From,
    #[error(
        "--bounce-address is no address such as bounces@shop.example, of at most {BOUNCE_USER_CHARS_MAX} characters before the @ and without a +"
    )]
    Bounces,
    #[error("--public-url is not https://host (http:// only to this machine), without a path")]
    PublicUrl,
    #[error("the mail server's certificates cannot be checked: {0}")]
    Tls(String),
}

/// How the line is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// TLS from the first byte (RFC 8314 section 3.3).
    Implicit,
    /// STARTTLS (RFC 3207), and nothing is said without it.
    StartTls,
    /// To this machine only.
    Plain,
}

/// A mail server.
#[derive(Debug)]
pub struct Smtp {
    pub line: Line,
    pub host: String,
    pub port: u16,
    pub login: Option<(String, SecretString)>,
    /// PEM of a further root.
    pub ca: Option<(PathBuf, Vec<u8>)>,
}

/// Everything, parsed.
#[derive(Debug)]
pub struct MailSettings {
    pub smtp: Option<Smtp>,
    pub from: Mailbox,
    /// Where letters come back to.
    pub bounces: Option<Address>,
    /// Without a slash at its end; empty when the world does not know this server.
    pub public_url: String,
}

impl MailArgs {
    /// Parses what was said. `demo_url` is where a demo is found; a demo also has a sender's address of its own.
    ///
    /// # Errors
    /// [`MailSettingsError`].
    pub fn read(&self, demo_url: Option<&str>) -> Result<MailSettings, MailSettingsError> {
        let smtp = self.smtp_url.as_deref().map(|url| self.smtp(url)).transpose()?;
        let from = match (&self.mail_from, &smtp) {
            (Some(from), _) => from.parse().map_err(|_| MailSettingsError::From)?,
            (None, Some(_)) => return Err(MailSettingsError::From),
            (None, None) => "Receipts <receipts@shop.invalid>".parse().map_err(|_| MailSettingsError::From)?,
        };
        let public_url = match self.public_url.as_deref().or(demo_url) {
            Some(url) => public(url)?,
            None => String::new(),
        };
        let bounces = self.bounce_address.as_deref().map(bounces).transpose()?;
        Ok(MailSettings { smtp, from, bounces, public_url })
    }

    fn smtp(&self, url: &str) -> Result<Smtp, MailSettingsError> {
        let (line, rest, port) =
            [("smtps://", Line::Implicit, 465), ("smtp://", Line::StartTls, 587), ("smtp-plain://", Line::Plain, 25)]
                .into_iter()
                .find_map(|(scheme, line, port)| Some((line, url.strip_prefix(scheme)?, port)))
                .ok_or(MailSettingsError::Url)?;
        let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
        if user.is_some_and(|user| user.contains(':')) {
            return Err(MailSettingsError::PasswordInUrl);
        }
        let (host, port) = host_and_port(place.trim_end_matches('/'), port)?;
        let is_near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if line == Line::Plain && !is_near {
            return Err(MailSettingsError::PlainAbroad);
        }
        let login = match user {
            Some(user) => Some((user.replace("%40", "@"), self.password()?)),
            None => None,
        };
        let ca = self.smtp_ca.as_ref().map(|path| match std::fs::read(path) {
            Ok(pem) => Ok((path.clone(), pem)),
            Err(source) => Err(MailSettingsError::Ca { path: path.clone(), source }),
        });
        Ok(Smtp { line, host, port, login, ca: ca.transpose()? })
    }

    fn password(&self) -> Result<SecretString, MailSettingsError> {
        let Some(path) = &self.smtp_password_file else {
            return std::env::var(PASSWORD_VARIABLE).map(Secret::new).map_err(|_| MailSettingsError::NoPassword);
        };
        let unreadable = |source| MailSettingsError::PasswordFile { path: path.clone(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(MailSettingsError::PasswordFileOpen { path: path.clone() });
        }
        let mut text = String::with_capacity(256);
        file.read_to_string(&mut text).map_err(unreadable)?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        Ok(Secret::new(text))
    }
}

/// With room for a token after the user's name: 64 characters at most (RFC 5321 section 4.5.3.1.1).
fn bounces(text: &str) -> Result<Address, MailSettingsError> {
    let address: Address = text.parse().map_err(|_| MailSettingsError::Bounces)?;
    let fits = address.user().len() <= BOUNCE_USER_CHARS_MAX && !address.user().contains('+');
    if fits { Ok(address) } else { Err(MailSettingsError::Bounces) }
}

fn host_and_port(place: &str, port: u16) -> Result<(String, u16), MailSettingsError> {
    let (host, given) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = given.map_or(Ok(port), str::parse).map_err(|_| MailSettingsError::Url)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    if host.is_empty() || !host.chars().all(is_plain) {
        return Err(MailSettingsError::Url);
    }
    Ok((host.to_owned(), port))
}

fn public(url: &str) -> Result<String, MailSettingsError> {
    let url = url.trim_end_matches('/');
    let (is_safe, place) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(place), _) => (true, place),
        (_, Some(place)) => (false, place),
        _ => return Err(MailSettingsError::PublicUrl),
    };
    let (host, _) = host_and_port(place, 0).map_err(|_| MailSettingsError::PublicUrl)?;
    let is_near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if is_safe || is_near { Ok(url.to_owned()) } else { Err(MailSettingsError::PublicUrl) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(url: &str) -> MailArgs {
        MailArgs {
            smtp_url: Some(url.to_owned()),
            mail_from: Some("Shop <a@shop.example>".to_owned()),
            ..MailArgs::default()
        }
    }

    #[test]
    fn mail_servers_are_named_by_their_line() {
        for (url, line, host, port) in [
            ("smtps://mail.example", Line::Implicit, "mail.example", 465),
            ("smtp://mail.example:2525/", Line::StartTls, "mail.example", 2525),
            ("smtp-plain://127.0.0.1:1025", Line::Plain, "127.0.0.1", 1025),
            ("smtp-plain://[::1]:1025", Line::Plain, "::1", 1025),
        ] {
            let smtp = args(url).read(None).expect(url).smtp.expect(url);
            assert_eq!((smtp.line, smtp.host.as_str(), smtp.port), (line, host, port), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_before_anything_starts() {
        for (url, say) in [
            ("mail.example", "is not smtps://"),
            ("smtps://", "is not smtps://"),
            ("smtps://mail.example:x", "is not smtps://"),
            ("smtps://mail.example/?tls=none", "is not smtps://"),
            ("smtps://user:secret@mail.example", "holds a password"),
            ("smtp-plain://mail.example", "for 127.0.0.1 and ::1 only"),
            ("smtp-plain://192.0.2.1", "for 127.0.0.1 and ::1 only"),
        ] {
            let error = args(url).read(None).expect_err(url).to_string();
            assert!(error.contains(say) && !error.contains("secret"), "{url}: {error}");
        }
        for (address, is_good) in [
            ("bounces@shop.example", true),
            ("bounces+x@shop.example", false),
            ("bounces", false),
            (&format!("{}@shop.example", "b".repeat(32)), false),
        ] {
            let said = MailArgs { bounce_address: Some(address.to_owned()), ..args("smtps://mail.example") };
            assert_eq!(said.read(None).is_ok(), is_good, "{address}");
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).expect("changes");
        let open = MailArgs { smtp_password_file: Some(file.path().to_owned()), ..args("smtps://me@mail.example") };
        assert!(matches!(open.read(None), Err(MailSettingsError::PasswordFileOpen { .. })));
        let nobody = MailArgs { mail_from: None, ..args("smtps://mail.example") };
        assert!(matches!(nobody.read(None), Err(MailSettingsError::From)));
        for (url, is_good) in [
            ("https://pay.example", true),
            ("http://127.0.0.1:8420/", true),
            ("http://pay.example", false),
            ("https://pay.example/x", false),
            ("pay.example", false),
        ] {
            let said = MailArgs { public_url: Some(url.to_owned()), ..MailArgs::default() };
            assert_eq!(said.read(None).is_ok(), is_good, "{url}");
        }
    }
}
