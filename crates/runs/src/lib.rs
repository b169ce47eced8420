//! seaway-runs.
