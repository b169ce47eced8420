//! seaway-apiserver.
