//! Every setting there is, with its default and what it means.

/// What kind of value a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Whole,
    Truth,
    List,
    Duration,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// A setting that exists.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name in the file, dots for nesting.
    pub(crate) name: &'static str,
    /// Its variable.
    pub(crate) variable: &'static str,
    /// Its flag, if `serve` has one.
    pub(crate) flag: Option<&'static str>,
    pub(crate) shape: Shape,
    /// The default, as JSON text; `null` is *not set*.
    pub(crate) default: &'static str,
    /// One sentence for people.
    pub(crate) meaning: &'static str,
}

/// All settings, a line each; `seaway config` prints them.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "data",
        variable: "SEAWAY_DATA",
        flag: Some("--data"),
        shape: Shape::Text,
        default: "null",
        meaning: "the data folder",
    },
    Setting {
        name: "listen",
        variable: "SEAWAY_LISTEN",
        flag: Some("--listen"),
        shape: Shape::Text,
        default: "\"127.0.0.1:7443\"",
        meaning: "address and port of the API",
    },
    Setting {
        name: "externalURL",
        variable: "SEAWAY_EXTERNAL_URL",
        flag: Some("--external-url"),
        shape: Shape::Text,
        default: "null",
        meaning: "the URL by which others reach it; needed where listen is not loopback",
    },
    Setting {
        name: "hosts",
        variable: "SEAWAY_HOSTS",
        flag: Some("--host"),
        shape: Shape::List,
        default: "[]",
        meaning: "more names for the certificate, besides 127.0.0.1, ::1 and localhost",
    },
    Setting {
        name: "tls.certificate",
        variable: "SEAWAY_TLS_CERTIFICATE",
        flag: None,
        shape: Shape::Text,
        default: "null",
        meaning: "your own certificate chain, PEM, leaf first; needs tls.key; read again when it changes",
    },
    Setting {
        name: "tls.key",
        variable: "SEAWAY_TLS_KEY",
        flag: None,
        shape: Shape::Text,
        default: "null",
        meaning: "its private key, PEM",
    },
    Setting {
        name: "tls.lifetime",
        variable: "SEAWAY_TLS_LIFETIME",
        flag: None,
        shape: Shape::Duration,
        default: "\"720h\"",
        meaning: "how long a certificate made here is good, 2s or more; the next is served when a third of it is left",
    },
    Setting {
        name: "keyFile",
        variable: "SEAWAY_KEY_FILE",
        flag: None,
        shape: Shape::Text,
        default: "null",
        meaning: "the file with the key that Secrets are sealed with",
    },
    Setting {
        name: "log.level",
        variable: "SEAWAY_LOG_LEVEL",
        flag: Some("--log-level"),
        shape: Shape::OneOf(&["error", "warn", "info", "debug", "trace"]),
        default: "\"info\"",
        meaning: "what is logged",
    },
    Setting {
        name: "log.format",
        variable: "SEAWAY_LOG_FORMAT",
        flag: Some("--log-format"),
        shape: Shape::OneOf(&["text", "json"]),
        default: "\"text\"",
        meaning: "how it is logged",
    },
    Setting {
        name: "egress.allow",
        variable: "SEAWAY_EGRESS_ALLOW",
        flag: None,
        shape: Shape::List,
        default: "[]",
        meaning: "hosts and CIDRs that are reached although the policy would refuse them (loopback, while listening beyond it)",
    },
    Setting {
        name: "egress.allowCredentialsOverHTTP",
        variable: "SEAWAY_ALLOW_CREDENTIALS_OVER_HTTP",
        flag: None,
        shape: Shape::Truth,
        default: "false",
        meaning: "send credentials over plain http:// beyond loopback",
    },
    Setting {
        name: "egress.caBundle",
        variable: "SEAWAY_CA_BUNDLE",
        flag: None,
        shape: Shape::Text,
        default: "null",
        meaning: "more certificates to trust, PEM",
    },
    Setting {
        name: "git.name",
        variable: "SEAWAY_GIT_NAME",
        flag: None,
        shape: Shape::Text,
        default: "\"Seaway\"",
        meaning: "who commits, unless ClusterConfig says",
    },
    Setting {
        name: "git.email",
        variable: "SEAWAY_GIT_EMAIL",
        flag: None,
        shape: Shape::Text,
        default: "\"no-reply@seaway.dev\"",
        meaning: "their address",
    },
    Setting {
        name: "warehouses.minInterval",
        variable: "SEAWAY_MIN_WAREHOUSE_INTERVAL",
        flag: None,
        shape: Shape::Duration,
        default: "\"0s\"",
        meaning: "no warehouse looks more often, whatever its interval",
    },
    Setting {
        name: "retention.promotions",
        variable: "SEAWAY_RETAINED_PROMOTIONS",
        flag: None,
        shape: Shape::Whole,
        default: "20",
        meaning: "finished promotions kept a stage",
    },
    Setting {
        name: "retention.promotionAge",
        variable: "SEAWAY_MIN_PROMOTION_AGE",
        flag: None,
        shape: Shape::Duration,
        default: "\"336h\"",
        meaning: "no younger promotion goes",
    },
    Setting {
        name: "retention.freight",
        variable: "SEAWAY_RETAINED_FREIGHT",
        flag: None,
        shape: Shape::Whole,
        default: "20",
        meaning: "freight kept a warehouse, behind the oldest in use",
    },
    Setting {
        name: "retention.freightAge",
        variable: "SEAWAY_MIN_FREIGHT_AGE",
        flag: None,
        shape: Shape::Duration,
        default: "\"336h\"",
        meaning: "no younger freight goes",
    },
    Setting {
        name: "retention.mirrorAge",
        variable: "SEAWAY_MIRROR_AGE",
        flag: None,
        shape: Shape::Duration,
        default: "\"720h\"",
        meaning: "a mirror nobody used for so long goes",
    },
    Setting {
        name: "retention.interval",
        variable: "SEAWAY_RETENTION_INTERVAL",
        flag: None,
        shape: Shape::Duration,
        default: "\"1h\"",
        meaning: "how often old things are looked for",
    },
];
