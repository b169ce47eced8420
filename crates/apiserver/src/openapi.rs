//! OpenAPI v3: the index of documents and one document per group, as `kubectl explain` and its checks of server abilities read them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use k8s_openapi::api::{coordination, core, events, rbac};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use seaway_core::authorize::RBAC;
use serde_json::{Map, Value, json};

use crate::discovery::Served;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const REFERENCES: &str = "#/components/schemas/";

/// The index at `/openapi/v3`: a path and a hash for each group and version, so that clients can cache.
pub fn index(served: &[Served]) -> Value {
    let mut paths = Map::new();
    for one in served {
        let path = path_of(&one.group, &one.version);
        if !paths.contains_key(&path) {
            let hash = hash(&document(served, &one.group, &one.version).unwrap_or_default());
            paths.insert(path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}));
        }
    }
    json!({"paths": paths})
}

/// The document at `/openapi/v3/api/VERSION` or `/openapi/v3/apis/GROUP/VERSION`; none when it is not served.
pub fn document(served: &[Served], group: &str, version: &str) -> Option<Value> {
    let mine: Vec<&Served> = served.iter().filter(|one| one.group == group && one.version == version).collect();
    if mine.is_empty() {
        return None;
    }
    let mut paths = Map::new();
    let mut schemas = Map::new();
    schemas.insert(OBJECT_META.to_owned(), schema_of::<k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta>());
    for one in mine {
        add_paths(one, &mut paths);
        schemas.insert(definition(one), component(one));
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Seaway", "version": "unversioned"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

/// The structural schema of a built-in kind, with the list types that merging needs; `{}` for a kind that is none.
pub fn builtin_schema(group: &str, kind: &str) -> Value {
    let mut schema = match (group, kind) {
        ("", "Namespace") => schema_of::<core::v1::Namespace>(),
        ("", "Secret") => schema_of::<core::v1::Secret>(),
        ("", "ConfigMap") => schema_of::<core::v1::ConfigMap>(),
        ("", "Event") => schema_of::<core::v1::Event>(),
        ("", "ServiceAccount") => schema_of::<core::v1::ServiceAccount>(),
        ("events.k8s.io", "Event") => schema_of::<events::v1::Event>(),
        ("coordination.k8s.io", "Lease") => schema_of::<coordination::v1::Lease>(),
        (RBAC, "Role") => schema_of::<rbac::v1::Role>(),
        (RBAC, "ClusterRole") => schema_of::<rbac::v1::ClusterRole>(),
        (RBAC, "RoleBinding") => schema_of::<rbac::v1::RoleBinding>(),
        (RBAC, "ClusterRoleBinding") => schema_of::<rbac::v1::ClusterRoleBinding>(),
        _ => return json!({}),
    };
    let keyed = match (group, kind) {
        ("", "Namespace") => Some(("/properties/status/properties/conditions", "type")),
        ("", "ServiceAccount") => Some(("/properties/secrets", "name")),
        _ => None,
    };
    if let Some((pointer, key)) = keyed
        && let Some(list) = schema.pointer_mut(pointer).and_then(Value::as_object_mut)
    {
        list.insert("x-kubernetes-list-type".to_owned(), "map".into());
        list.insert("x-kubernetes-list-map-keys".to_owned(), json!([key]));
    }
    schema
}

fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::openapi3();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let schema = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    let mut value = serde_json::to_value(schema).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove("title");
        fields.shift_remove("components");
    }
    value
}

fn path_of(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn hash(document: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    document.to_string().hash(&mut hasher);
    format!("{:016X}", hasher.finish())
}

/// The name of a kind's schema: its group reversed, as Kubernetes names its own.
fn definition(served: &Served) -> String {
    let group = if served.group.is_empty() {
        "io.k8s.api.core".to_owned()
    } else {
        served.group.split('.').rev().collect::<Vec<_>>().join(".")
    };
    format!("{group}.{}.{}", served.version, served.kind)
}

fn group_version_kind(served: &Served) -> Value {
    json!({"group": served.group, "version": served.version, "kind": served.kind})
}

fn component(served: &Served) -> Value {
    let mut schema = if served.schema.is_object() { served.schema.clone() } else { json!({}) };
    if let Some(fields) = schema.as_object_mut() {
        fields.entry("type").or_insert_with(|| "object".into());
        let properties = fields.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            for (name, about) in [("apiVersion", "The group and version of this object."), ("kind", "The kind of this object.")] {
                properties.entry(name).or_insert_with(|| json!({"type": "string", "description": about}));
            }
            let metadata = json!({"description": "Standard object metadata.", "default": {}, "allOf": [{"$ref": format!("{REFERENCES}{OBJECT_META}")}]});
            properties.insert("metadata".to_owned(), metadata);
        }
        fields.insert("x-kubernetes-group-version-kind".to_owned(), json!([group_version_kind(served)]));
    }
    schema
}

fn add_paths(served: &Served, paths: &mut Map<String, Value>) {
    let base = format!("/{}", path_of(&served.group, &served.version));
    let collection = if served.namespaced {
        format!("{base}/namespaces/{{namespace}}/{}", served.plural)
    } else {
        format!("{base}/{}", served.plural)
    };
    let mut places = Vec::new();
    if served.namespaced {
        places.push(parameter("namespace", "path", "string"));
    }
    if served.verbs().contains(&"list") {
        if served.namespaced {
            paths.insert(format!("{base}/{}", served.plural), json!({"get": operation(served, "list", &[])}));
        }
        paths.insert(
            collection.clone(),
            json!({
                "parameters": places,
                "get": operation(served, "list", &["labelSelector", "fieldSelector", "limit", "continue", "watch"]),
                "post": operation(served, "post", &["dryRun", "fieldManager", "fieldValidation"]),
            }),
        );
    } else {
        paths.insert(
            collection,
            json!({"parameters": places, "post": operation(served, "post", &["dryRun", "fieldManager", "fieldValidation"])}),
        );
        return;
    }
    places.push(parameter("name", "path", "string"));
    let item = json!({
        "parameters": places,
        "get": operation(served, "get", &[]),
        "put": operation(served, "put", &["dryRun", "fieldManager", "fieldValidation"]),
        "patch": operation(served, "patch", &["dryRun", "fieldManager", "fieldValidation", "force"]),
        "delete": operation(served, "delete", &["dryRun", "gracePeriodSeconds", "propagationPolicy"]),
    });
    let path = format!("{collection}/{{name}}");
    if served.has_status {
        let mut status = item.clone();
        if let Some(fields) = status.as_object_mut() {
            fields.shift_remove("delete");
        }
        paths.insert(format!("{path}/status"), status);
    }
    paths.insert(path, item);
}

fn parameter(name: &str, place: &str, kind: &str) -> Value {
    json!({"name": name, "in": place, "required": place == "path", "schema": {"type": kind, "uniqueItems": true}})
}

fn operation(served: &Served, action: &str, query: &[&str]) -> Value {
    let kind_of = |name: &str| match name {
        "limit" | "gracePeriodSeconds" => "integer",
        "watch" | "force" => "boolean",
        _ => "string",
    };
    let object = json!({"$ref": format!("{REFERENCES}{}", definition(served))});
    let body = match action {
        "post" | "put" => Some(json!({"content": {"application/json": {"schema": object}}})),
        // Strategic merge is left out: kubectl then builds such patches of built-in kinds from the types it knows.
        "patch" => {
            let types = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
            let content: Map<String, Value> =
                types.into_iter().map(|name| (name.to_owned(), json!({"schema": {"type": "object"}}))).collect();
            Some(json!({"content": content}))
        }
        _ => None,
    };
    let mut operation = json!({
        "operationId": format!("{action}{}{}", served.kind, served.version),
        "parameters": query.iter().map(|name| parameter(name, "query", kind_of(name))).collect::<Vec<_>>(),
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": object}}}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": group_version_kind(served),
    });
    if let Some(body) = body {
        operation["requestBody"] = body;
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage() -> Served {
        Served {
            group: "kargo.akuity.io".to_owned(),
            version: "v1alpha1".to_owned(),
            kind: "Stage".to_owned(),
            plural: "stages".to_owned(),
            singular: "stage".to_owned(),
            namespaced: true,
            has_status: true,
            schema: json!({"type": "object", "properties": {"spec": {"type": "object", "description": "What is wanted."}}}),
            ..Served::default()
        }
    }

    #[test]
    fn the_index_names_each_document_once() {
        let mut served = Served::builtins();
        served.push(stage());
        let index = index(&served);
        let paths: Vec<&String> = index["paths"].as_object().expect("paths").keys().collect();
        let rbac = "apis/rbac.authorization.k8s.io/v1";
        assert_eq!(
            paths,
            ["api/v1", "apis/events.k8s.io/v1", "apis/coordination.k8s.io/v1", rbac, "apis/kargo.akuity.io/v1alpha1"]
        );
        assert!(
            index["paths"]["api/v1"]["serverRelativeURL"].as_str().is_some_and(|url| url.starts_with("/openapi/v3/api/v1?hash="))
        );
    }

    #[test]
    fn a_document_has_what_kubectl_looks_for() {
        let document = super::document(&[stage()], "kargo.akuity.io", "v1alpha1").expect("served");
        let patch = &document["paths"]["/apis/kargo.akuity.io/v1alpha1/namespaces/{namespace}/stages/{name}"]["patch"];
        assert_eq!(
            patch["x-kubernetes-group-version-kind"],
            json!({"group": "kargo.akuity.io", "version": "v1alpha1", "kind": "Stage"})
        );
        let names: Vec<&str> =
            patch["parameters"].as_array().into_iter().flatten().filter_map(|parameter| parameter["name"].as_str()).collect();
        assert_eq!(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
        let schema = &document["components"]["schemas"]["io.akuity.kargo.v1alpha1.Stage"];
        assert_eq!(schema["x-kubernetes-group-version-kind"][0]["kind"], "Stage");
        assert_eq!(schema["properties"]["spec"]["description"], "What is wanted.");
        assert!(document["components"]["schemas"][OBJECT_META]["properties"]["labels"].is_object());
    }

    #[test]
    fn builtin_schemas_are_whole() {
        for served in Served::builtins() {
            assert!(served.schema["properties"]["metadata"].is_object(), "{} has a schema", served.kind);
            assert!(!served.schema.to_string().contains("$ref"), "{} refers to nothing", served.kind);
        }
        assert_eq!(
            builtin_schema("", "Namespace").pointer("/properties/status/properties/conditions/x-kubernetes-list-type"),
            Some(&json!("map"))
        );
        assert_eq!(builtin_schema("apps", "Deployment"), json!({}));
    }
}
