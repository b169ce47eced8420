//! Child processes with scrubbed environment and limits on time, memory and output.
