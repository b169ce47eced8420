//! Sign-in at the identity provider: by the device flow, or by a callback on this machine where the provider has none.

use super::server::{self, Server};
use super::{Made, callback};
use crate::commands::open;
use crate::exit::Failure;
use crate::output;
use http::Method;
use seaway_base::SystemClock;
use seaway_base::http::{Egress, HttpClient, Proxies};
use seaway_identity::oidc::{Issued, LoginClient, OidcError, Public};
use serde_json::json;

/// Signs in at the provider, and has the control plane make a token of what it says.
pub(super) async fn by_provider(server: &Server, no_browser: bool, port: u16) -> Result<Made, Failure> {
    let about = server.ask("ask for the identity provider", Method::GET, "oidc", None).await?;
    let public: Public =
        serde_json::from_value(about).map_err(|err| Failure::bug(format!("read the identity provider's address: {err}")))?;
    let egress = Egress { loopback: true, proxies: Proxies::from_env(), ..Egress::default() };
    let http = HttpClient::new(egress).map_err(|err| Failure::new(err.to_string(), "look at HTTPS_PROXY and HTTP_PROXY"))?;
    let client = LoginClient::new(public, http, SystemClock::shared()).await.map_err(failure)?;
    let issued = match client.device().await.map_err(failure)? {
        Some(login) => {
            let address = login.whole_address().unwrap_or_else(|| login.address());
            output::line(format_args!("open  {address}"));
            output::line(format_args!("code  {}", login.user_code()));
            open::start_browser(address, no_browser);
            client.device_done(&login).await.map_err(failure)?
        }
        None => by_callback(&client, no_browser, port).await?,
    };
    let body = json!({
        "idToken": issued.id_token.reveal(), "accessToken": issued.access_token.reveal(), "host": server::host(),
    });
    let answer = server.ask("sign in", Method::POST, "oidc/token", Some(&body)).await?;
    Made::of(&answer, "")
}

async fn by_callback(client: &LoginClient, no_browser: bool, port: u16) -> Result<Issued, Failure> {
    let door = callback::Door::open(port).await?;
    let login = client.loopback(door.url()?);
    output::line(format_args!("open  {}", login.url));
    open::start_browser(login.url.as_str(), no_browser);
    let answer = door.answer().await?;
    client.loopback_done(login, answer).await.map_err(failure)
}

fn failure(err: OidcError) -> Failure {
    let hint = match &err {
        OidcError::Unavailable { .. } => "look whether this machine reaches the provider; HTTPS_PROXY names a proxy",
        OidcError::Setting { .. } => "the control plane's settings `oidc.…` are wrong: tell who keeps it",
        OidcError::Denied(_) => "sign in as somebody the provider knows, then repeat",
        _ => "repeat `seaway login`",
    };
    Failure::new(err.to_string(), hint)
}
