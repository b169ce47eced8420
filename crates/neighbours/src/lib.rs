//! seaway-neighbours.
