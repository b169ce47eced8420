//! The crate `openidconnect` speaks through our HTTP client: one egress policy, bounded answers, no redirects.

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use seaway_base::http::{HttpClient, HttpError, read_bounded};
use std::pin::Pin;
use std::time::Duration;
use url::Url;

/// No answer of a provider is longer.
const ANSWER_MAX: usize = 1 << 20;
/// A provider that has not answered by then does not.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Our client as theirs.
#[derive(Debug, Clone)]
pub(super) struct Http(pub(super) HttpClient);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

impl Http {
    /// Sends a request. Whatever goes to a provider may hold a secret, so plain http is refused beyond this machine.
    pub(super) async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let broken = |reason: String| HttpError::Broken { url: "the identity provider".to_owned(), reason };
        let url = Url::parse(&parts.uri.to_string()).map_err(|err| broken(format!("its address is no URL: {err}")))?;
        self.0.may_send_credentials(&url)?;
        let request = self.0.request(parts.method, &url, false)?.headers(parts.headers).timeout(TIMEOUT).body(body);
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = read_bounded(answer, ANSWER_MAX).await?;
        let mut response = HttpResponse::new(body.to_vec());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
