//! Questions about the one who asks. RBAC is not built yet: whoever is authenticated may do everything, and is told so.

use crate::ApiServer;
use crate::failure::Failure;
use crate::read::json_response;
use crate::request::Call;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

impl ApiServer {
    pub(crate) fn review(&self, call: &Call) -> Result<Response, Failure> {
        let mut answer = self.posted(call, call.body_as(&call.kind.kind)?)?;
        let identity = &call.identity;
        answer["status"] = match call.kind.kind.as_str() {
            "SelfSubjectReview" => json!({"userInfo": {"username": *identity.username, "groups": *identity.groups}}),
            "SelfSubjectRulesReview" => json!({
                "incomplete": false,
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            }),
            _ => json!({"allowed": true, "reason": "every authenticated identity may do everything: RBAC is not built yet"}),
        };
        Ok(json_response(StatusCode::CREATED, answer.to_string().into(), &[]))
    }
}
