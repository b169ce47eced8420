//! seaway-oci.
