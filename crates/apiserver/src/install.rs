//! What is there from the start: our namespaces, the default roles and Kargo's accounts of the system.

use crate::ApiServer;
use crate::builtin;
use crate::kind::Kind;
use crate::meta::{instant, is_deleting, metadata, text};
use seaway_core::authorize::{GLOBAL_NAMESPACE, SYSTEM_NAMESPACE, cluster_roles, system_accounts};
use seaway_store::{Batch, Document, Expect, Key, Op, StoreError};
use serde_json::{Value, json};
use std::sync::Arc;

/// `false` on a default role or binding keeps it as it is; as Kubernetes.
const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";
/// How often it is decided anew because somebody writes meanwhile.
const N_TRIES_MAX: usize = 16;

impl ApiServer {
    /// Makes what is missing in one commit; where nothing is, there is none. A default role that lacks a rule, or a binding that lacks a
    /// subject, gets it back, and keeps what it has besides.
    pub(crate) async fn install(&self) -> Result<(), StoreError> {
        for n_try in 1.. {
            let ops: Vec<Op> = defaults().into_iter().filter_map(|object| self.installation(object)).collect();
            if ops.is_empty() {
                break;
            }
            match self.commit(Batch { reads: Vec::new(), ops }).await {
                Ok(_) => break,
                Err(StoreError::Exists { .. } | StoreError::Conflict { .. }) if n_try < N_TRIES_MAX => {}
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }

    fn installation(&self, mut wanted: Value) -> Option<Op> {
        let kind = self.kinds.of(text(&wanted, "/apiVersion"), text(&wanted, "/kind"))?;
        let key = Key::new(&kind.storage, text(&wanted, "/metadata/namespace"), text(&wanted, "/metadata/name"));
        let Some(live) = self.store.get(&key) else {
            self.make(kind, &mut wanted);
            let document = Document::new(&wanted).ok()?;
            return Some(Op::Put { key, document, expect: Expect::Absent, unique: Vec::new() });
        };
        let completed = completed(&live.value().ok()?, &wanted)?;
        let (document, expect) = (Document::new(&completed).ok()?, Expect::Revision(live.revision));
        Some(Op::Put { key, document, expect, unique: live.unique.to_vec() })
    }

    fn make(&self, kind: &Arc<Kind>, object: &mut Value) {
        let metadata = metadata(object);
        metadata.insert("uid".into(), self.random.uuid().into());
        metadata.insert("creationTimestamp".into(), instant(self.clock.now()).into());
        builtin::normalise(kind, object);
    }
}

fn defaults() -> Vec<Value> {
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let mut all = ["default", SYSTEM_NAMESPACE, GLOBAL_NAMESPACE].map(namespace).to_vec();
    for mut role in cluster_roles() {
        metadata(&mut role).insert("annotations".into(), json!({ AUTOUPDATE: "true" }));
        metadata(&mut role).insert("labels".into(), json!({"kubernetes.io/bootstrapping": "rbac-defaults"}));
        all.push(role);
    }
    all.extend(system_accounts());
    all
}

/// A default role or binding with what it lacks; `None` where it lacks nothing, or is not ours to change.
fn completed(live: &Value, wanted: &Value) -> Option<Value> {
    let field = match text(wanted, "/kind") {
        "ClusterRole" => "rules",
        "ClusterRoleBinding" => "subjects",
        _ => return None,
    };
    let kept = live.pointer("/metadata/annotations").and_then(|all| all.get(AUTOUPDATE)).is_some_and(|value| value == "false");
    if kept || is_deleting(live) || live.get("roleRef") != wanted.get("roleRef") {
        return None;
    }
    let own = live.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let lacking = wanted.get(field)?.as_array()?.iter().filter(|item| !own.contains(item));
    let all: Vec<Value> = own.iter().chain(lacking).cloned().collect();
    (all.len() > own.len()).then(|| {
        let mut completed = live.clone();
        completed[field] = all.into();
        completed
    })
}
