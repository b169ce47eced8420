//! Freight as people name it.

use crate::{VerbError, Verbs};
use seaway_api::kargo::Freight;

impl Verbs {
    /// The freight that `query` means: a name, an alias, a version, `fund-transfer:1.5.1`.
    ///
    /// # Errors
    /// [`VerbError::Freight`] if there is none, or several (listed).
    pub async fn freight(&self, query: &str) -> Result<Freight, VerbError> {
        // A name goes before every other reading, and one object is read instead of all.
        if is_name(query)
            && let Some(named) = self.api::<Freight>().get_opt(query).await.map_err(|err| VerbError::api("read freight", err))?
        {
            return Ok(named);
        }
        let all = self.all_freight().await?;
        Ok(seaway_core::freight::find(query, &all)?.clone())
    }
}

/// Whether it is spelled as admission names freight: 40 hexadecimal digits.
fn is_name(query: &str) -> bool {
    query.len() == 40 && query.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
