//! seaway-core.
