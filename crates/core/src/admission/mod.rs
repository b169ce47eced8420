//! Admission: what a document becomes before it is stored, or why it is refused.
