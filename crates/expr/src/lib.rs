//! seaway-expr.
