//! Runs what Kargo's own step runners answered (`tests/vectors/steps`) through ours.
