//! seaway-testkit.
