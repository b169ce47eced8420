//! seaway-render.
