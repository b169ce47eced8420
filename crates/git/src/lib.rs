//! seaway-git.
