//! A repository elsewhere: its exact URL and the credential it is reached with.

use crate::error::GitError;
use seaway_base::Secret;
use sha2::{Digest as _, Sha256};
use url::Url;

pub use seaway_base::secret::Credential;

/// A repository and how it is reached. Two remotes are the same only if URL and credential key are.
#[derive(Debug, Clone)]
pub struct Remote {
    /// The URL exactly as the user wrote it.
    pub url: String,
    /// The credential, if there is one.
    pub credential: Option<Credential>,
    /// Accept any certificate.
    pub skip_tls_verify: bool,
}

/// User name and password.
pub(crate) type Login = (String, Secret<String>);

impl Remote {
    /// A repository that needs no credential.
    pub fn open(url: impl Into<String>) -> Self {
        Self { url: url.into(), credential: None, skip_tls_verify: false }
    }

    /// The name of the mirror's folder: a hash of the exact URL and the credential's key.
    pub fn key(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.url.as_bytes());
        hash.update([0, u8::from(self.skip_tls_verify), 0]);
        if let Some(credential) = &self.credential {
            hash.update(credential.key.as_bytes());
            // The content is hashed again, so that a caller that forgets to do so can never share a mirror across contents.
            hash.update([0]);
            hash.update(credential.username.as_bytes());
            hash.update([0]);
            hash.update(credential.password.reveal().as_bytes());
        }
        hex::encode(&hash.finalize()[..20])
    }

    /// The URL as it may be shown: without user name and password.
    pub fn shown(&self) -> String {
        shown(&self.url)
    }

    /// The URL for requests and the credential to send, taken from the URL where none was given.
    pub(crate) fn parts(&self) -> Result<(Url, Option<Login>), GitError> {
        let bad = |why: String| GitError::Url { repo: self.shown(), why };
        if !self.url.contains("://") {
            let is_ssh = self.url.contains(':') && !self.url.contains(' ');
            return Err(bad(if is_ssh { "git over ssh is not built; use https" } else { "it is no URL" }.to_owned()));
        }
        let mut url = Url::parse(&self.url).map_err(|err| bad(err.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad(format!("`{}` is not built; use https", url.scheme())));
        }
        let mut credential = self.credential.as_ref().map(|it| (it.username.clone(), it.password.clone()));
        if credential.is_none() && !url.username().is_empty() {
            credential = Some((url.username().to_owned(), Secret::new(url.password().unwrap_or_default().to_owned())));
        }
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok((url, credential))
    }
}

/// A URL without what may be secret in it.
fn shown(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| rest.to_owned());
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_url_holds_no_credential() {
        assert_eq!(shown("https://me:canary@host/o/r.git?token=canary"), "https://host/o/r.git");
        assert_eq!(shown("git@host:o/r.git"), "host:o/r.git");
        assert_eq!(shown("https://host:8443"), "https://host:8443");
    }

    #[test]
    fn another_credential_is_another_mirror() {
        let with = |key: &str, password: &str| Remote {
            credential: Some(Credential { key: key.into(), username: "u".into(), password: Secret::new(password.into()) }),
            ..Remote::open("https://host/r.git")
        };
        assert_ne!(with("a", "x").key(), with("b", "x").key());
        assert_ne!(with("a", "x").key(), with("a", "y").key());
        assert_ne!(with("a", "x").key(), Remote::open("https://host/r.git").key());
        assert_ne!(Remote::open("https://host/r.git").key(), Remote::open("https://host/r").key());
    }
}
