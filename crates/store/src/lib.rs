//! seaway-store.
