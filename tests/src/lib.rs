//! What is tested across rooms: vectors, scenarios, conformance, crash sweep, real parts.
