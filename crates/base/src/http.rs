//! The one HTTP client and the one egress policy: link-local, metadata and our own addresses are never reached.
