//! How people and programs come in: identities, the provider that vouches for some, and what the port's routes stand on.

use super::oidc;
use crate::config::Config;
use crate::data::Data;
use crate::exit::Failure;
use seaway_apiserver::{ApiServer, Identity};
use seaway_base::http::{Cidr, HttpClient};
use seaway_base::{Random, SharedClock};
use seaway_identity::{Identities, Settings};
use seaway_runs::Past;
use seaway_server::api::Served;
use seaway_server::{Info, Reach, ServerState, ServiceTokens, Tokens};
use std::sync::Arc;
use tokio::task::AbortHandle;

/// Whose account in namespace `seaway` reads and writes the identities.
const ACCOUNT: &str = "identity";

/// What it is made from.
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) data: &'a Data,
    pub(super) api: &'a ApiServer,
    pub(super) http: HttpClient,
    pub(super) clock: &'a SharedClock,
    pub(super) random: Random,
    pub(super) url: &'a str,
    pub(super) tokens: &'a Tokens,
    pub(super) past: Past,
}

/// The open entry.
pub(super) struct Entry {
    pub(super) state: ServerState,
    pub(super) recheck: Option<Recheck>,
}

/// The provider is asked about those who are signed in until this is dropped.
pub(super) struct Recheck(AbortHandle);

impl Drop for Recheck {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Opens it: everybody who can come in is known when this returns.
///
/// # Errors
/// The identities cannot be read, or a setting cannot be used.
pub(super) async fn open(parts: Parts<'_>) -> Result<Entry, Failure> {
    let Parts { config, data, api, http, clock, random, url, tokens, past } = parts;
    let client = api.client(Identity::controller(ACCOUNT));
    let identities = Identities::start(client, Arc::clone(clock), random.clone(), settings(config)).await;
    let identities = identities.map_err(|err| super::of(&err, "`seaway logs` has more; a backup restores them"))?;
    api.serve_tokens(Arc::new(ServiceTokens::new(identities.clone(), tokens.clone())));
    let oidc = oidc::open(config, url, http, clock)?;
    let recheck = oidc::recheck(config, oidc.as_ref(), &identities).map(Recheck);
    let info = Info {
        reach: Reach::new(url, &config.list("hosts"), proxies(config)),
        is_built: |step| seaway_steps::find(step).is_some(),
        status_is_public: config.truth("status.public"),
        ..Info::new(env!("CARGO_PKG_VERSION"), url, &data.join(""))
    };
    let mut served = Served::new(api, Arc::clone(clock), info.is_built);
    served.past = past;
    let (api, clock, info) = (api.clone(), Arc::clone(clock), Arc::new(info));
    Ok(Entry { state: ServerState { api, identities, oidc, served, clock, random, info }, recheck })
}

fn settings(config: &Config) -> Settings {
    let (session_idle, session_max) = (config.duration("sessions.idle"), config.duration("sessions.max"));
    Settings { session_idle, session_max, ..Settings::default() }
}

/// Those that are trusted; each was read when the settings were.
fn proxies(config: &Config) -> Vec<Cidr> {
    config.list("trustedProxies").iter().filter_map(|text| Cidr::parse(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_an_operator_chose_reaches_the_sessions() {
        let chosen = |env: &[(&str, &str)]| {
            let of = |name: &str| env.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
            let config = Config::load(None, &BTreeMap::new(), of).unwrap();
            let settings = settings(&config);
            (settings.session_idle.as_secs(), settings.session_max.as_secs(), proxies(&config).len())
        };
        assert_eq!(chosen(&[]), (8 * 3600, 24 * 3600, 0));
        let env = [("SEAWAY_SESSION_IDLE", "5m"), ("SEAWAY_SESSION_MAX", "1h"), ("SEAWAY_TRUSTED_PROXIES", "10.0.0.0/8,::1")];
        assert_eq!(chosen(&env), (300, 3600, 2));
    }
}
