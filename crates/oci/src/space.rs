//! What is remembered about one registry for one credential: the scheme and the login.

use crate::auth::Auth;
use crate::{OciError, Repository};
use reqwest::Url;
use seaway_base::http::{HttpClient, HttpError, is_loopback};
use tokio::sync::OnceCell;

/// Memory that is never shared between credentials.
#[derive(Debug, Default)]
pub(crate) struct Space {
    pub(crate) auth: Auth,
    plain: OnceCell<bool>,
}

impl Space {
    /// Where the registry's API begins: `https`, and plain `http` only where a registry on loopback speaks no TLS.
    pub(crate) async fn base(&self, http: &HttpClient, repository: &Repository, skip_tls_verify: bool) -> Result<Url, OciError> {
        let url = |scheme: &str| {
            let url = Url::parse(&format!("{scheme}://{}/v2/", repository.registry));
            url.map_err(|err| OciError::Name { text: repository.to_string(), reason: err.to_string() })
        };
        let secure = url("https")?;
        if !is_loopback(&secure) {
            return Ok(secure);
        }
        let insecure = url("http")?;
        let ask = async |url: &Url| -> Result<(), HttpError> {
            http.send(http.request(reqwest::Method::GET, url, skip_tls_verify)?).await?;
            Ok(())
        };
        let probe = async || match ask(&secure).await {
            // An untrusted certificate is no reason to do without one.
            Ok(()) | Err(HttpError::Tls { .. }) => Ok(false),
            // Plain http must answer before we settle on it: a registry that is down has told us nothing.
            Err(HttpError::Connect { .. } | HttpError::Broken { .. }) => ask(&insecure).await.map(|()| true),
            Err(err) => Err(err),
        };
        let plain = *self.plain.get_or_try_init(probe).await.map_err(OciError::http(repository))?;
        Ok(if plain { insecure } else { secure })
    }
}
