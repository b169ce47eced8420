//! seaway-api.
