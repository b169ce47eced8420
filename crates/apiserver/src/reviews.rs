//! Questions about rights and identities, and tokens of service accounts: `authorization.k8s.io` and `authentication.k8s.io`.

use crate::ApiServer;
use crate::failure::{About, Failure};
use crate::identity::Identity;
use crate::meta::{instant, text, texts};
use crate::read::json_response;
use crate::request::Call;
use crate::tokens::{Bound, TokenAsk};
use axum::response::Response;
use http::StatusCode;
use seaway_core::authorize::{Access, AccessError, ServiceAccount};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a token lasts where nothing is asked for.
const LASTS: u64 = 3600;
/// The least and the most that can be asked for.
const LASTS_MIN: u64 = 600;
const LASTS_MAX: u64 = 365 * 24 * 3600;
/// Audiences of one token.
const N_AUDIENCES_MAX: usize = 16;

fn unanswerable(err: AccessError) -> Failure {
    Failure::BadRequest(seaway_base::chain(&err))
}

fn user_info(identity: &Identity) -> Value {
    json!({"username": *identity.username, "groups": *identity.groups})
}

impl ApiServer {
    pub(crate) fn review(&self, call: &Call) -> Result<Response, Failure> {
        let mut answer = self.posted(call, call.body_as(&call.kind.kind)?)?;
        let spec = answer.get("spec").cloned().unwrap_or_else(|| json!({}));
        answer["status"] = match call.kind.kind.as_str() {
            "SelfSubjectReview" => json!({"userInfo": user_info(&call.identity)}),
            "SelfSubjectRulesReview" => self.rules(call, &spec)?,
            "SelfSubjectAccessReview" => {
                let access = Access::about_oneself(&spec).map_err(unanswerable)?;
                self.authorizer.ask(&call.identity, |policy, who| policy.decide(&access.asked(who))).status()
            }
            "TokenReview" => self.token_review(&spec),
            _ => {
                let own = (!call.namespace.is_empty()).then_some(call.namespace.as_str());
                let access = Access::about_another(&spec, own).map_err(unanswerable)?;
                self.authorizer.ask(&call.identity, |policy, _| policy.decide(&access.asked(access.who()))).status()
            }
        };
        Ok(json_response(StatusCode::CREATED, answer.to_string().into(), &[]))
    }

    fn rules(&self, call: &Call, spec: &Value) -> Result<Value, Failure> {
        let namespace = text(spec, "/namespace");
        if namespace.is_empty() {
            return Err(Failure::BadRequest("spec.namespace: say in which namespace".to_owned()));
        }
        let review = self.authorizer.ask(&call.identity, |policy, who| policy.review(&who, namespace));
        serde_json::to_value(&review).map_err(|err| Failure::Internal(format!("write down the rules: {err}")))
    }

    fn token_review(&self, spec: &Value) -> Value {
        let (token, audiences) = (text(spec, "/token"), texts(spec, "/audiences"));
        match self.tokens.get().and_then(|tokens| tokens.review(token, &audiences)) {
            Some(identity) if !token.is_empty() => {
                json!({"authenticated": true, "user": user_info(&identity), "audiences": audiences})
            }
            _ => json!({"authenticated": false, "error": "the token is none of ours, has ended, or is for another audience"}),
        }
    }

    /// Makes a token of a service account for whoever may have it.
    pub(crate) async fn token_request(&self, call: &Call) -> Result<Response, Failure> {
        let about = || About::new(&call.kind, call.name());
        let live = self.live(call)?;
        let mut request = call.body_as("TokenRequest")?;
        let spec = request.get("spec").cloned().unwrap_or_default();
        let account = ServiceAccount::new(&call.namespace, call.name()).ok_or_else(|| Failure::NotFound(about()))?;
        let may = self.authorizer.ask(&call.identity, |policy, who| policy.may_become(&who, &account));
        may.map_err(|denied| Failure::Forbidden { about: Some(about()), message: denied.message, causes: Vec::new() })?;
        let ask = TokenAsk {
            uid: live.meta.uid.clone(),
            audiences: audiences(&spec)?,
            lasts: lasts(&spec)?,
            bound: self.bound(call, &spec)?,
            account,
        };
        let Some(tokens) = self.tokens.get() else {
            return Err(Failure::BadRequest("this server makes no tokens".to_owned()));
        };
        if !request.is_object() {
            request = json!({});
        }
        request["kind"] = "TokenRequest".into();
        request["apiVersion"] = "authentication.k8s.io/v1".into();
        request["metadata"] =
            json!({"name": call.name(), "namespace": call.namespace, "creationTimestamp": instant(self.clock.now())});
        let seconds = ask.lasts.as_secs();
        request["spec"]["expirationSeconds"] = seconds.into();
        if !call.query.dry_run {
            let issued = tokens.issue(ask).await.map_err(|refused| Failure::BadRequest(refused.message))?;
            request["spec"]["audiences"] = issued.audiences.into();
            // It may be good for less than was asked for: what is told is true. A second that has begun counts.
            let left = issued.expires_at.duration_since(self.clock.now());
            let left = u64::try_from(left.as_millis()).unwrap_or_default().div_ceil(1000);
            request["spec"]["expirationSeconds"] = seconds.min(left).into();
            request["status"] = json!({"token": issued.token.reveal(), "expirationTimestamp": instant(issued.expires_at)});
        }
        Ok(json_response(StatusCode::CREATED, request.to_string().into(), &[]))
    }

    /// The object that the token is to end with, as it is there now.
    fn bound(&self, call: &Call, spec: &Value) -> Result<Option<Bound>, Failure> {
        let Some(asked) = spec.get("boundObjectRef").filter(|asked| !asked.is_null()) else { return Ok(None) };
        let (api_version, kind, name) = (text(asked, "/apiVersion"), text(asked, "/kind"), text(asked, "/name"));
        if (api_version, kind) != ("v1", "Secret") {
            return Err(Failure::BadRequest("spec.boundObjectRef: a token can be bound to a Secret (v1)".to_owned()));
        }
        let secrets = self.kinds.at("", "v1", "secrets").ok_or(Failure::NoResource)?;
        let key = seaway_store::Key::new(&secrets.storage, &call.namespace, name);
        let found = self.store.get(&key).ok_or_else(|| Failure::NotFound(About::new(secrets, name)))?;
        let (uid, wanted) = (found.meta.uid.clone(), text(asked, "/uid"));
        if !wanted.is_empty() && wanted != uid {
            let message = format!("the uid in the request ({wanted}) is not the uid of the object ({uid})");
            return Err(Failure::Conflict { about: About::new(secrets, name), message });
        }
        Ok(Some(Bound { api_version: api_version.to_owned(), kind: kind.to_owned(), name: name.to_owned(), uid }))
    }
}

fn lasts(spec: &Value) -> Result<Duration, Failure> {
    let seconds = match spec.get("expirationSeconds") {
        None | Some(Value::Null) => Some(LASTS),
        Some(value) => value.as_u64(),
    };
    let bad = || Failure::BadRequest(format!("spec.expirationSeconds: a token lasts from {LASTS_MIN} to {LASTS_MAX} seconds"));
    seconds.filter(|seconds| (LASTS_MIN..=LASTS_MAX).contains(seconds)).map(Duration::from_secs).ok_or_else(bad)
}

fn audiences(spec: &Value) -> Result<Vec<String>, Failure> {
    let audiences = texts(spec, "/audiences");
    if audiences.len() > N_AUDIENCES_MAX {
        return Err(Failure::BadRequest(format!("spec.audiences: at most {N_AUDIENCES_MAX}")));
    }
    Ok(audiences)
}
