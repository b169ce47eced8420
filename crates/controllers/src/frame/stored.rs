//! An object as a watch brings it: read at once if it can be, else known by its name and by why it cannot.

use super::Kind;
use kube::Resource;
use kube::core::ObjectMeta;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// One object of kind `K`. A kind that cannot be read never stops the watch; managed fields are left out, nobody here asks for them.
#[derive(Clone)]
pub(super) struct Stored<K> {
    pub(super) meta: ObjectMeta,
    pub(super) read: Result<K, String>,
}

impl<K> fmt::Debug for Stored<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("name", &self.meta.name).field("is_read", &self.read.is_ok()).finish_non_exhaustive()
    }
}

impl<'de, K: Kind> Deserialize<'de> for Stored<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
            return Err(de::Error::missing_field("metadata"));
        };
        metadata.shift_remove("managedFields");
        let meta = ObjectMeta::deserialize(&object["metadata"]).map_err(de::Error::custom)?;
        let read = serde_json::from_value(object).map_err(|err| err.to_string());
        Ok(Self { meta, read })
    }
}

impl<K: Kind> Resource for Stored<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }
    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }
    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }
    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_api::kargo::Stage;
    use serde_json::json;

    #[track_caller]
    fn check(object: Value, readable: bool) {
        let stored: Stored<Stage> = serde_json::from_value(object).unwrap();
        assert_eq!((stored.meta.name.as_deref(), stored.read.is_ok()), (Some("qa"), readable), "{:?}", stored.read);
        assert_eq!(stored.meta.managed_fields, None);
    }

    #[test]
    fn what_cannot_be_read_still_has_its_name() {
        let metadata = json!({ "name": "qa", "managedFields": [{ "manager": "kubectl" }] });
        check(json!({ "metadata": metadata, "spec": { "requestedFreight": [] } }), true);
        check(json!({ "metadata": metadata, "spec": { "requestedFreight": "everything" } }), false);
    }
}
