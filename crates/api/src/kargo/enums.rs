//! The words Kargo's statuses and specs are made of.

words! {
    /// Where a promotion stands.
    pub enum PromotionPhase {
        /// Nobody has looked at it yet.
        None = "",
        /// It waits for its turn.
        Pending = "Pending",
        /// It runs.
        Running = "Running",
        /// It ended well.
        Succeeded = "Succeeded",
        /// A step failed.
        Failed = "Failed",
        /// Something broke.
        Errored = "Errored",
        /// Somebody stopped it.
        Aborted = "Aborted",
    }
}

impl PromotionPhase {
    /// Whether it has ended; an ended phase never changes.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Errored | Self::Aborted)
    }
}

words! {
    /// How a step stands, from the best to the worst.
    pub enum PromotionStepStatus {
        /// It has not begun.
        None = "",
        /// It ended well.
        Succeeded = "Succeeded",
        /// It was left out.
        Skipped = "Skipped",
        /// It runs.
        Running = "Running",
        /// Somebody stopped it.
        Aborted = "Aborted",
        /// It failed.
        Failed = "Failed",
        /// Something broke.
        Errored = "Errored",
    }
}

words! {
    /// How a stage fares, from the best to the worst.
    pub enum HealthState {
        /// Well.
        Healthy = "Healthy",
        /// Nothing to say.
        NotApplicable = "NotApplicable",
        /// On its way.
        Progressing = "Progressing",
        /// It cannot be said.
        Unknown = "Unknown",
        /// Badly.
        Unhealthy = "Unhealthy",
    }
}

impl HealthState {
    /// The worse of two; a word we do not know counts as unknown.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |state: &Self| match state {
            Self::Healthy => 0,
            Self::NotApplicable => 1,
            Self::Progressing => 2,
            Self::Unknown | Self::Other(_) => 3,
            Self::Unhealthy => 4,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

words! {
    /// Whether a warehouse makes freight by itself.
    pub enum FreightCreationPolicy {
        /// By itself.
        Automatic = "Automatic",
        /// By hand.
        Manual = "Manual",
    }
}

words! {
    /// How many upstream stages must have verified freight.
    pub enum FreightAvailabilityStrategy {
        /// Nothing said: one of them.
        Unset = "",
        /// Every one.
        All = "All",
        /// One of them.
        OneOf = "OneOf",
    }
}

words! {
    /// How the freight that is promoted by itself is chosen.
    pub enum AutoPromotionSelectionPolicy {
        /// The newest that is available.
        NewestFreight = "NewestFreight",
        /// What the upstream stage has now.
        MatchUpstream = "MatchUpstream",
    }
}

words! {
    /// What kind of thing makes freight.
    pub enum FreightOriginKind {
        /// A warehouse.
        Warehouse = "Warehouse",
    }
}

words! {
    /// Where a verification stands.
    pub enum VerificationPhase {
        /// It has not begun.
        Pending = "Pending",
        /// It runs.
        Running = "Running",
        /// It ended well.
        Successful = "Successful",
        /// It found fault.
        Failed = "Failed",
        /// Something broke.
        Error = "Error",
        /// Somebody stopped it.
        Aborted = "Aborted",
        /// It could not tell.
        Inconclusive = "Inconclusive",
    }
}

impl VerificationPhase {
    /// Whether it has ended.
    pub fn is_terminal(&self) -> bool {
        !matches!(self, Self::Pending | Self::Running | Self::Other(_))
    }
}

words! {
    /// How commits are chosen.
    pub enum CommitSelectionStrategy {
        /// The newest of a branch.
        NewestFromBranch = "NewestFromBranch",
        /// The highest semantic version among the tags.
        SemVer = "SemVer",
        /// The tag that sorts last.
        Lexical = "Lexical",
        /// The newest tag.
        NewestTag = "NewestTag",
    }
}

words! {
    /// How images are chosen.
    pub enum ImageSelectionStrategy {
        /// The highest semantic version among the tags.
        SemVer = "SemVer",
        /// The tag that sorts last.
        Lexical = "Lexical",
        /// The image that was built last.
        NewestBuild = "NewestBuild",
        /// Whatever one tag points to.
        Digest = "Digest",
    }
}

macro_rules! first {
    ($($name:ident => $variant:ident),+ $(,)?) => { $(
        impl Default for $name {
            fn default() -> Self {
                Self::$variant
            }
        }
    )+ };
}

first! {
    PromotionPhase => None,
    PromotionStepStatus => None,
    HealthState => Unknown,
    FreightCreationPolicy => Automatic,
    FreightAvailabilityStrategy => Unset,
    AutoPromotionSelectionPolicy => NewestFreight,
    FreightOriginKind => Warehouse,
    VerificationPhase => Pending,
    CommitSelectionStrategy => NewestFromBranch,
    ImageSelectionStrategy => SemVer,
}
