//! Labels, annotations and the finalizer, as Kargo spells them, and our own.

/// The finalizer that is set everywhere.
pub const FINALIZER: &str = "kargo.akuity.io/finalizer";

macro_rules! names {
    ($( $(#[$meta:meta])* $name:ident = $text:literal; )+) => { $( $(#[$meta])* pub const $name: &str = $text; )+ };
}

/// Labels.
pub mod label {
    names! {
        /// Marks a project's namespace (`"true"`).
        PROJECT = "kargo.akuity.io/project";
        /// The alias of freight.
        ALIAS = "kargo.akuity.io/alias";
        /// The shard of a warehouse, stage or promotion.
        SHARD = "kargo.akuity.io/shard";
        /// The stage of a promotion, shortened to 63.
        STAGE = "kargo.akuity.io/stage";
        /// The collection an AnalysisRun verifies.
        FREIGHT_COLLECTION = "kargo.akuity.io/freight-collection";
        /// The type of a credential: `git`, `helm`, `image`, `generic`.
        CREDENTIAL_TYPE = "kargo.akuity.io/cred-type";
        /// The controller of a heartbeat.
        CONTROLLER = "kargo.akuity.io/controller";
        /// The source of a replicated object.
        REPLICATED_FROM = "kargo.akuity.io/replicated-from";
        /// The hash of a replicated object's source.
        REPLICATED_SHA = "kargo.akuity.io/replicated-sha";
        /// Marks an API token (`"true"`).
        API_TOKEN = "rbac.kargo.akuity.io/api-token";
        /// Marks a system role (`"true"`).
        SYSTEM_ROLE = "rbac.kargo.akuity.io/system-role";
        /// Ours: marks a promotion that has ended, so that watches can leave it out.
        TERMINAL = "seaway.dev/terminal";
        /// Ours: a hash of the `Idempotency-Key` a promotion was asked for under, and of its caller.
        REQUEST_KEY = "seaway.dev/request-key";
    }
}

/// Annotations.
pub mod annotation {
    names! {
        /// A changing token; a change asks for a look.
        REFRESH = "kargo.akuity.io/refresh";
        /// Asks for another verification.
        REVERIFY = "kargo.akuity.io/reverify";
        /// Asks to stop.
        ABORT = "kargo.akuity.io/abort";
        /// Who made it.
        CREATE_ACTOR = "kargo.akuity.io/create-actor";
        /// The origin a promotion puts on hold.
        AUTO_PROMOTION_HOLD = "kargo.akuity.io/auto-promotion-hold";
        /// The origin a promotion takes off hold.
        AUTO_PROMOTION_RESUME = "kargo.akuity.io/auto-promotion-resume";
        /// Text for people.
        DESCRIPTION = "kargo.akuity.io/description";
        /// A stage's colour.
        COLOR = "kargo.akuity.io/color";
        /// The stages that may touch an Application.
        AUTHORIZED_STAGE = "kargo.akuity.io/authorized-stage";
        /// The Applications the last promotion touched.
        ARGOCD_CONTEXT = "kargo.akuity.io/argocd-context";
        /// The whole name of a promotion's stage.
        STAGE = "kargo.akuity.io/stage";
        /// The promotion of an AnalysisRun.
        PROMOTION = "kargo.akuity.io/promotion";
        /// Keeps the namespace when the project goes (`"true"`).
        KEEP_NAMESPACE = "kargo.akuity.io/keep-namespace";
        /// Marks a promotion that goes back (`"true"`).
        ROLLBACK = "kargo.akuity.io/rollback";
        /// Ours: the digest of the plan a promotion must keep to.
        PLAN_DIGEST = "seaway.dev/plan-digest";
        /// Ours: who last changed what an object says, beside its metadata and status; written by the server.
        CHANGED_BY = "seaway.dev/changed-by";
        /// Ours: what a person decides of an effect that nobody can be sure of (`repeat`, `skip`), on a promotion.
        RESOLVE = "seaway.dev/resolve";
        /// Ours: an instant; holds of the stage that are older are lifted.
        RESUME = "seaway.dev/resume";
        /// Ours: a hash of the request that a promotion was made by, beside the label of its key.
        REQUEST = "seaway.dev/request";
    }
}
