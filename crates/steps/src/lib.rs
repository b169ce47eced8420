//! seaway-steps.
