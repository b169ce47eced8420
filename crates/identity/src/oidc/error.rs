//! Why somebody is not signed in by the provider.

/// Why somebody is not signed in by the provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// A setting cannot be used.
    #[error("the setting `{setting}` cannot be used: {reason}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The provider does not answer, or not as a provider does; nothing is known of who asks.
    #[error(
        "the identity provider {name} does not answer as it should: {reason}; try again, and if it lasts, look at its address"
    )]
    Unavailable {
        /// What people call the provider.
        name: String,
        /// What it did.
        reason: String,
    },
    /// The answer belongs to no sign-in that was begun in this browser.
    #[error("this answer belongs to no sign-in that this browser has begun: {0}; sign in again")]
    State(&'static str),
    /// The provider says no.
    #[error("the identity provider refused: {0}")]
    Denied(String),
    /// The provider's word is not to be trusted.
    #[error("the identity provider's answer is not to be trusted: {0}")]
    Token(String),
    /// The ID token's time is over.
    #[error("the ID token has expired; sign in again, and if it lasts, look at the clocks of both machines")]
    Expired,
    /// The claims make nobody of whom we could say who it is.
    #[error("the identity provider's claims name nobody: {0}")]
    Claim(String),
    /// What comes after the sign-in is not a place of this page.
    #[error("`to` must be a path of this page, such as /p/bank")]
    To,
}

impl OidcError {
    /// One word for the page.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Setting { .. } | Self::Unavailable { .. } => "unavailable",
            Self::State(_) => "state",
            Self::Denied(_) => "denied",
            Self::Token(_) => "token",
            Self::Expired => "expired",
            Self::Claim(_) => "claim",
            Self::To => "invalid",
        }
    }

    /// Whether it lies with the provider, not with who asks: that is never told as *not authenticated*.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Setting { .. } | Self::Unavailable { .. })
    }
}
