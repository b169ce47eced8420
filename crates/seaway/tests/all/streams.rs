//! What is held open ends within five seconds of what it stands on: the live board and the watches of the Kubernetes API.

use crate::bank::{Bank, KARGO};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SESSION: &str = "/seaway/v1/session";
const TOKENS: &str = "/seaway/v1/tokens";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/bank/rolebindings";

#[test]
fn it_ends_with_its_session_its_token_its_user_and_its_right() {
    let bank = Bank::open();
    let (changes, watch) = ("/seaway/v1/projects/bank/changes", format!("{KARGO}/stages?watch=true"));
    let check = |what: &str, target: &str, proof: (&str, &str), end: &dyn Fn()| {
        let open = bank.door.open(target, &[proof]);
        let start = Instant::now();
        end();
        let ending = Instant::now();
        let rest = open.rest();
        let took = ending.elapsed();
        assert!(
            took < Duration::from_secs(5),
            "{target} went on for {took:?} after {what} ended it, {:?} after it began",
            start.elapsed()
        );
        // Afterwards it does not begin again.
        let status = bank.door.ask("GET", target, &[proof], "").status;
        assert!(matches!(status, 401 | 403), "{what}: {status} to {target}, which told {rest}");
    };
    let rights = bank.as_owner("GET", &format!("{BINDINGS}/people-look"), "").body;
    let password = bank.user("eve");
    for target in [changes, &watch] {
        let cookie = bank.sign_in("eve", &password);
        check("signing out", target, ("Cookie", &cookie), &|| {
            assert_eq!(bank.door.as_page(&cookie, "DELETE", SESSION, "").status, 204);
        });
        let cookie = bank.sign_in("eve", &password);
        let (id, token) = bank.token(&cookie);
        let bearer = format!("Bearer {token}");
        check("revoking the token", target, ("Authorization", &bearer), &|| {
            assert_eq!(bank.door.as_page(&cookie, "DELETE", &format!("{TOKENS}/{id}"), "").status, 204);
        });
        check("the right's end", target, ("Cookie", &cookie), &|| {
            assert_eq!(bank.as_owner("DELETE", &format!("{BINDINGS}/people-look"), "").status, 200);
        });
        let mut again: Value = serde_json::from_str(&rights).unwrap();
        again["metadata"] = json!({"name": "people-look"});
        assert_eq!(bank.as_owner("POST", BINDINGS, &again.to_string()).status, 201);
        check("another password", target, ("Cookie", &cookie), &|| {
            let body = json!({"password": password}).to_string();
            assert_eq!(bank.as_owner("POST", "/seaway/v1/users/eve/password", &body).status, 204);
        });
    }
    let cookie = bank.sign_in("eve", &password);
    check("the user's end", changes, ("Cookie", &cookie), &|| drop(bank.plane.ok(&["user", "rm", "eve"])));
}
