//! seaway-verbs.
