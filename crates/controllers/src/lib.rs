//! seaway-controllers.
