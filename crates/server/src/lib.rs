//! seaway-server.
