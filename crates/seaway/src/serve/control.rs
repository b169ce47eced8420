//! The controllers: what they are given, and how they are stopped.

use super::STOP_WITHIN;
use crate::config::Config;
use crate::data::Data;
use seaway_apiserver::{ApiServer, Identity};
use seaway_base::http::HttpClient;
use seaway_base::{Random, SharedClock};
use seaway_controllers::credentials::SecretCredentials;
use seaway_controllers::{ClientFor, Context, Controllers, Handle, Settings};
use seaway_core::retention::Keep;
use seaway_git::{MirrorOptions, Mirrors};
use seaway_runs::{GitIdentity, NoFaults, Past, Ports};
use seaway_server::Metrics;
use std::sync::Arc;
use std::time::Duration;

/// Between the controllers' own deadline and ours, so that theirs is the one that is told.
const SPARE: Duration = Duration::from_secs(2);

/// The running controllers.
pub(super) struct Control {
    handle: Handle,
}

/// What the controllers are made from.
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) data: &'a Data,
    pub(super) api: &'a ApiServer,
    pub(super) http: HttpClient,
    pub(super) clock: SharedClock,
    pub(super) random: Random,
    pub(super) metrics: &'a Metrics,
    pub(super) url: &'a str,
}

/// Starts them; they begin to work once they have seen everything there is.
pub(super) fn start(parts: Parts<'_>) -> Control {
    let Parts { config, data, api, http, clock, random, metrics, url } = parts;
    let settings = settings(config, url);
    let credentials = SecretCredentials::new(http.clone(), settings.shared_namespace.clone());
    let ports = Ports {
        git: Arc::new(Mirrors::new(data.join("mirrors"), http.clone(), MirrorOptions::default())),
        credentials: credentials.clone(),
        http,
        clock,
        scratch: data.join("scratch"),
    };
    let served = api.clone();
    let client_for: ClientFor = Arc::new(move |name: &str| served.client(Identity::controller(name)));
    let handle = Controllers::start(Context {
        client_for,
        ports,
        credentials,
        steps: Arc::new(seaway_steps::Table),
        settings,
        random,
        registry: metrics.registry(),
        faults: Arc::new(NoFaults),
    });
    Control { handle }
}

fn settings(config: &Config, url: &str) -> Settings {
    let keep = |n: &str, age: &str| Keep { n: config.whole(n), min_age: config.duration(age) };
    let text = |name: &str| config.text(name).unwrap_or_default().to_owned();
    Settings {
        identity: GitIdentity { name: text("git.name"), email: text("git.email") },
        ui_base_url: url.to_owned(),
        keep_promotions: keep("retention.promotions", "retention.promotionAge"),
        keep_freight: keep("retention.freight", "retention.freightAge"),
        mirror_unused: config.duration("retention.mirrorAge"),
        retention_interval: config.duration("retention.interval"),
        warehouse_interval_min: config.duration("warehouses.minInterval"),
        stop_within: STOP_WITHIN.saturating_sub(SPARE),
        ..Settings::default()
    }
}

impl Control {
    /// What git tells of the past, through the mirrors and logins of the runs.
    pub(super) fn past(&self) -> Past {
        self.handle.past()
    }

    /// Waits until they have seen everything there is.
    pub(super) async fn synced(&self) {
        self.handle.synced().await;
    }

    /// Stops them: what is in hand is finished, nothing new is begun.
    pub(super) async fn stop(self) {
        self.handle.stop().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn kept(env: &[(&str, &str)]) -> [(usize, u64); 2] {
        let settings = chosen(env);
        [settings.keep_promotions, settings.keep_freight].map(|keep| (keep.n, keep.min_age.as_secs()))
    }

    fn chosen(env: &[(&str, &str)]) -> Settings {
        let of = |name: &str| env.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        settings(&Config::load(None, &BTreeMap::new(), of).unwrap(), "https://127.0.0.1:1")
    }

    #[test]
    fn what_an_operator_chose_reaches_the_controllers() {
        let fortnight = 336 * 3600;
        assert_eq!(kept(&[]), [(20, fortnight), (20, fortnight)]);
        let counts = [("SEAWAY_RETAINED_PROMOTIONS", "3"), ("SEAWAY_RETAINED_FREIGHT", "4")];
        assert_eq!(kept(&counts), [(3, fortnight), (4, fortnight)]);
        let ages = [("SEAWAY_MIN_PROMOTION_AGE", "1h"), ("SEAWAY_MIN_FREIGHT_AGE", "2h")];
        assert_eq!(kept(&ages), [(20, 3600), (20, 7200)]);

        let spans = |settings: Settings| {
            [settings.mirror_unused, settings.retention_interval, settings.warehouse_interval_min].map(|it| it.as_secs())
        };
        assert_eq!(spans(chosen(&[])), [720 * 3600, 3600, 0]);
        let env = [
            ("SEAWAY_MIRROR_AGE", "48h"),
            ("SEAWAY_RETENTION_INTERVAL", "90s"),
            ("SEAWAY_MIN_WAREHOUSE_INTERVAL", "7m"),
            ("SEAWAY_GIT_NAME", "Harbour"),
        ];
        assert_eq!(spans(chosen(&env)), [48 * 3600, 90, 7 * 60]);
        assert_eq!(chosen(&env).identity.name, "Harbour");
        assert_eq!(chosen(&env).ui_base_url, "https://127.0.0.1:1");
    }
}
