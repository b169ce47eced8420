//! Freight as people name it.

use crate::{VerbError, Verbs};
use seaway_api::kargo::Freight;

impl Verbs {
    /// The freight that `query` means: a name, an alias, a version, `fund-transfer:1.5.1`.
    ///
    /// # Errors
    /// [`VerbError::Freight`] if there is none, or several (listed).
    pub async fn freight(&self, query: &str) -> Result<Freight, VerbError> {
        let all = self.all_freight().await?;
        Ok(seaway_core::freight::find(query, &all)?.clone())
    }
}
