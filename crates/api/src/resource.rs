//! The two words of an object's type, written always and read from anything.

use kube::Resource;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// The `apiVersion` of a kind; takes no room.
pub struct ApiVersionOf<K>(PhantomData<fn() -> K>);

/// The `kind` of a kind; takes no room.
pub struct KindOf<K>(PhantomData<fn() -> K>);

macro_rules! tag {
    ($tag:ident, $word:ident) => {
        impl<K> Clone for $tag<K> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<K> Copy for $tag<K> {}
        impl<K> Default for $tag<K> {
            fn default() -> Self {
                Self(PhantomData)
            }
        }
        impl<K> PartialEq for $tag<K> {
            fn eq(&self, _: &Self) -> bool {
                true
            }
        }
        impl<K: Resource<DynamicType = ()>> fmt::Debug for $tag<K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&K::$word(&()))
            }
        }
        impl<K: Resource<DynamicType = ()>> Serialize for $tag<K> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&K::$word(&()))
            }
        }
        impl<'de, K> Deserialize<'de> for $tag<K> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                IgnoredAny::deserialize(deserializer).map(|_| Self::default())
            }
        }
    };
}

tag!(ApiVersionOf, api_version);
tag!(KindOf, kind);
