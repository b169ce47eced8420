#!/usr/bin/env bash
# What people do with kubectl, against a served port: a line `ok NAME` or `FAIL NAME` a check, with what was seen.
# Wants KUBECTL, KUBECONFIG and an empty folder DIR.
set -u
cd "$DIR" || exit 1
export HOME="$DIR"

k() { timeout 25 "$KUBECTL" "$@" 2>&1; }
pass() { echo "ok $1"; }
fail() { echo "FAIL $1"; printf '%s\n' "$2" | head -12 | sed 's/^/    /'; }

# has NAME PATTERN ARGS: succeeds, and what it prints fits the pattern.
has() { local name=$1 pattern=$2 out; shift 2
  if out=$(k "$@") && grep -Eq -- "$pattern" <<<"$out"; then pass "$name"; else fail "$name" "$out"; fi; }
# fails NAME PATTERN ARGS: fails, and says why.
fails() { local name=$1 pattern=$2 out; shift 2
  if out=$(k "$@"); then fail "$name" "succeeded: $out"; elif grep -Eq -- "$pattern" <<<"$out"; then pass "$name"; else fail "$name" "$out"; fi; }
# is NAME EXPECTED ARGS: prints exactly this.
is() { local name=$1 expected=$2 out; shift 2
  if out=$(k "$@") && [ "$out" == "$expected" ]; then pass "$name"; else fail "$name" "$out"; fi; }

stage() { # NAME [field of spec]
  cat <<YAML
apiVersion: kargo.akuity.io/v1alpha1
kind: Stage
metadata: {name: $1, namespace: bank, labels: {team: a}}
spec:
  requestedFreight: [{origin: {kind: Warehouse, name: main}, sources: {direct: true}}]
${2:+  $2}
YAML
}
config() { # NAME DATA
  printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: bank, labels: {set: %s}}\ndata: %s\n' "$1" "$1" "$2"
}
STATUS='{"status":{"conditions":[{"type":"Ready","status":"True","reason":"Done","message":"all well","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}'

# Learning what is there
has version 'Server Version: v1\.' version
has api-versions '^kargo.akuity.io/v1alpha1$' api-versions
has api-resources 'stages +kargo.akuity.io/v1alpha1 +true +Stage' api-resources
has api-resources-group 'promotionruns +run' api-resources --api-group=seaway.dev
has explain 'KIND: +Stage' explain stages
has explain-field 'requestedFreight' explain stages.spec
has explain-recursive 'requiredSoakTime' explain stages --recursive
has explain-builtin 'FIELD: +data' explain secret.data
has raw-version '"gitVersion"' get --raw /version
has raw-health '^ok' get --raw /healthz
has raw-openapi 'serverRelativeURL' get --raw /openapi/v3
has cluster-info 'control plane.* is running' cluster-info
has can-i '^yes' auth can-i create stages
has whoami 'admin' auth whoami
fails unknown-resource "doesn't have a resource type" get widgets

has can-i-list 'Resources' auth can-i --list
has listable 'stages' api-resources --verbs=list -o name
has explain-deep 'FIELD: +conditions' explain stages.status.conditions
has raw-path '"kind":"StageList"' get --raw '/apis/kargo.akuity.io/v1alpha1/stages?limit=1'
fails raw-missing 'NotFound|could not find' get --raw /nowhere

# Creating
has create-namespace 'namespace/bank created' create namespace bank
is namespace-phase Active get namespace bank -o 'jsonpath={.status.phase}'
fails create-namespace-again 'AlreadyExists' create namespace bank
has create-secret 'secret/s created' -n bank create secret generic s --from-literal=k=v
is secret-data dg== -n bank get secret s -o 'jsonpath={.data.k}'
has create-configmap 'configmap/c created' -n bank create configmap c --from-literal=a=1
has create-serviceaccount 'serviceaccount/sa created' -n bank create serviceaccount sa
stage one > one.yaml
has create-custom 'stage.kargo.akuity.io/one created' create -f one.yaml
fails create-custom-again 'AlreadyExists' create -f one.yaml
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: gen-, namespace: bank}\n' > gen.yaml
has create-generated 'configmap/gen-[a-z0-9]{5} created' create -f gen.yaml
fails create-without-namespace 'namespaces "nowhere" not found' -n nowhere create configmap c
fails create-bad-name 'metadata.name' -n bank create configmap Not_A_Name
printf 'apiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {name: bad, namespace: bank}\nspec: {}\n' > bad.yaml
fails create-invalid 'spec.requestedFreight: Required' create -f bad.yaml
printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: plain, namespace: bank}\nstringData: {p: hunter2}\n' > plain.yaml
has string-data 'secret/plain created' apply -f plain.yaml
is string-data-encoded aHVudGVyMg== -n bank get secret plain -o 'jsonpath={.data.p}'
out=$(k -n bank get secret plain -o yaml)
if grep -q hunter2 <<<"$out"; then fail secret-not-in-annotation "$out"; else pass secret-not-in-annotation; fi
has apply-secret-again 'secret/plain (configured|unchanged)' apply -f plain.yaml

printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: plain, namespace: bank}\nstringData: {q: hunter3}\n' > plain.yaml
has apply-secret-changed 'secret/plain configured' apply -f plain.yaml
is secret-keys-added 'aHVudGVyMw==' -n bank get secret plain -o 'jsonpath={.data.q}'
printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: enc, namespace: bank}\ndata: {p: dg==, q: dg==}\n' > enc.yaml
has apply-secret-data 'secret/enc created' apply -f enc.yaml
sed -i 's/, q: dg==//' enc.yaml
has apply-secret-removal 'secret/enc configured' apply -f enc.yaml
is secret-key-removed '{"p":"dg=="}' -n bank get secret enc -o 'jsonpath={.data}'
printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: own, namespace: bank}\nstringData: {p: a, q: b}\n' > own.yaml
has ssa-secret 'serverside-applied' apply --server-side -f own.yaml
sed -i 's/, q: b//' own.yaml
has ssa-secret-removal 'serverside-applied' apply --server-side -f own.yaml
is ssa-secret-removed '{"p":"YQ=="}' -n bank get secret own -o 'jsonpath={.data}'
printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: wrong, namespace: bank}\ndata: {p: "not base64: hunter2"}\n' > wrong.yaml
out=$(k create -f wrong.yaml)
if [ $? != 0 ] && ! grep -q hunter2 <<<"$out"; then pass secret-not-in-error; else fail secret-not-in-error "$out"; fi

# Client-side apply
stage two 'shard: x' > two.yaml
has apply 'two created' apply -f two.yaml
has apply-again 'two unchanged' apply -f two.yaml
stage two 'shard: new' > two.yaml
out=$(k diff -f two.yaml)
if [ $? == 1 ] && grep -q '^+  shard: new' <<<"$out"; then pass diff-changed; else fail diff-changed "$out"; fi
has apply-change 'two configured' apply -f two.yaml
is apply-changed new -n bank get stage two -o 'jsonpath={.spec.shard}'
stage two > two.yaml
has apply-removal 'two configured' apply -f two.yaml
is apply-removed '' -n bank get stage two -o 'jsonpath={.spec.shard}'
has diff-server-side '^$' diff --server-side --force-conflicts -f two.yaml
has diff-same '^$' diff -f two.yaml
stage two 'foo: 1' > strict.yaml
fails strict 'unknown field "spec.foo"' apply -f strict.yaml
has strict-warn 'unknown field "spec.foo"' apply --validate=warn -f strict.yaml
stage two 'shard: dry' > dry.yaml
has dry-run 'two configured \(server dry run\)' apply --dry-run=server -f dry.yaml
is dry-run-kept '' -n bank get stage two -o 'jsonpath={.spec.shard}'
{ config p1 '{a: "1"}'; echo ---; config p2 '{a: "1"}'; } | sed 's/set: p[12]/prune: please/' > prune.yaml
has apply-several 'configmap/p2 created' apply -f prune.yaml
config p1 '{a: "1"}' | sed 's/set: p1/prune: please/' > prune.yaml
has apply-prune 'configmap/p2 pruned' -n bank apply --prune -l prune=please --prune-allowlist=core/v1/ConfigMap -f prune.yaml

has last-applied 'shard|requestedFreight' apply view-last-applied -f two.yaml
has set-last-applied 'configured' apply set-last-applied -f two.yaml
has get-by-file '^two' get -f two.yaml

# Server-side apply
config ssa '{a: "1", b: "1"}' > ssa.yaml
has ssa 'configmap/ssa serverside-applied' apply --server-side -f ssa.yaml
rv=$(k -n bank get cm ssa -o 'jsonpath={.metadata.resourceVersion}')
has ssa-again 'serverside-applied' apply --server-side -f ssa.yaml
is ssa-again-no-change "$rv" -n bank get cm ssa -o 'jsonpath={.metadata.resourceVersion}'
config ssa '{a: "2"}' > other.yaml
fails ssa-conflict 'conflict with "kubectl".*|\.data\.a' apply --server-side --field-manager=other -f other.yaml
has ssa-force 'serverside-applied' apply --server-side --field-manager=other --force-conflicts -f other.yaml
config ssa '{}' | sed 's/^data.*//' > drop.yaml
has ssa-drop 'serverside-applied' apply --server-side -f drop.yaml
is ssa-dropped '{"a":"2"}' -n bank get cm ssa -o 'jsonpath={.data}'
has ssa-managers 'manager: other' -n bank get cm ssa -o yaml --show-managed-fields
config mig '{a: "1", b: "1"}' > mig.yaml
has migrate-client 'configmap/mig created' apply -f mig.yaml
config mig '{a: "2"}' > mig.yaml
has migrate-server 'serverside-applied' apply --server-side -f mig.yaml
is migrated '{"a":"2"}' -n bank get cm mig -o 'jsonpath={.data}'
stage ssas 'shard: s' > ssas.yaml
has ssa-dry-run 'server dry run' apply --server-side --dry-run=server -f ssas.yaml
has ssa-custom 'serverside-applied' apply --server-side -f ssas.yaml
fails ssa-strict 'foo' apply --server-side -f strict.yaml

# Reading
has table 'NAME +SHARD +CURRENT FREIGHT' -n bank get stages
has table-wide 'NAME' -n bank get stages -o wide
has yaml 'kind: Stage' -n bank get stage one -o yaml
has list-json '"kind": "List"' -n bank get stages -o json
is jsonpath Warehouse -n bank get stage one -o 'jsonpath={.spec.requestedFreight[0].origin.kind}'
has custom-columns '^one +main' -n bank get stages -o custom-columns=N:.metadata.name,O:.spec.requestedFreight[0].origin.name
has names 'stage.kargo.akuity.io/one' -n bank get stages -o name
has selector '^two ' -n bank get stages -l 'team in (a,b)'
has selector-none 'No resources found' -n bank get stages -l team=z
is field-selector stage.kargo.akuity.io/two -n bank get stages --field-selector metadata.name=two -o name
fails field-selector-unsupported 'field label not supported' -n bank get stages --field-selector spec.shard=x
has all-namespaces '^bank +one' get stages -A
has sorted '^one' -n bank get stages --sort-by=.metadata.name --no-headers
has chunks '^two' -n bank get stages --chunk-size=1
has several-kinds 'configmap/c' -n bank get cm,stages
has short-names '^bank +Active' get ns
has table-secret 's +Opaque +1' -n bank get secret s
fails missing 'stages.kargo.akuity.io "nope" not found' -n bank get stage nope

has several-names '^one' -n bank get stage one two
has mixed 'configmap/c' -n bank get stage/one cm/c -o name
has labels-shown 'team=a' -n bank get stages --show-labels
has label-column 'TEAM' -n bank get stages -L team
has by-namespace-label '^bank' get ns -l kubernetes.io/metadata.name=bank
has leases 'No resources found' -n bank get leases
has ignore-not-found '^$' -n bank get stage nope --ignore-not-found

# Changing
has label 'stage.kargo.akuity.io/one labeled' -n bank label stage one x=1
fails label-overwrite 'overwrite' -n bank label stage one x=2
has label-remove 'unlabeled' -n bank label stage one x-
has annotate 'annotated' -n bank annotate stage one note=hello
is annotated hello -n bank get stage one -o 'jsonpath={.metadata.annotations.note}'
has patch-merge 'patched' -n bank patch stage one --type=merge -p '{"spec":{"shard":"m"}}'
has patch-no-change 'no change' -n bank patch stage one --type=merge -p '{"spec":{"shard":"m"}}'
has patch-json 'patched' -n bank patch stage one --type=json -p '[{"op":"replace","path":"/spec/shard","value":"j"}]'
is patched j -n bank get stage one -o 'jsonpath={.spec.shard}'
fails patch-json-test 'test' -n bank patch stage one --type=json -p '[{"op":"test","path":"/spec/shard","value":"z"}]'
has patch-strategic 'patched' -n bank patch configmap c -p '{"data":{"a":null,"b":"2"}}'
is patched-strategic '{"b":"2"}' -n bank get cm c -o 'jsonpath={.data}'
fails patch-strategic-custom 'strategic|media|type' -n bank patch stage one -p '{"spec":{"shard":"s"}}'
has patch-status 'patched' -n bank patch stage one --subresource=status --type=merge -p "$STATUS"
is status-set 'all well' -n bank get stage one -o 'jsonpath={.status.conditions[0].message}'
is status-only j -n bank get stage one -o 'jsonpath={.spec.shard}'
has status-column 'True +all well' -n bank get stage one
has get-status 'all well' -n bank get stage one --subresource=status -o yaml
fails patch-invalid 'spec.requestedFreight' -n bank patch stage one --type=merge -p '{"spec":{"requestedFreight":"x"}}'
has patch-dry-run 'patched' -n bank patch stage one --type=merge --dry-run=server -p '{"spec":{"shard":"dry"}}'
is patch-dry-run-kept j -n bank get stage one -o 'jsonpath={.spec.shard}'
has label-all 'labeled' -n bank label stages --all wave=1
k -n bank get stage one -o yaml | sed 's/all well/all is well/' > status.yaml
has replace-status 'replaced' replace --subresource=status -f status.yaml
is status-replaced 'all is well' -n bank get stage one -o 'jsonpath={.status.conditions[0].message}'
k -n bank get cm c -o yaml > c.yaml
sed -i 's/b: "2"/b: "3"/' c.yaml
has replace 'configmap/c replaced' replace -f c.yaml
fails replace-stale 'Conflict|modified' replace -f c.yaml
has replace-force 'configmap/c replaced' replace --force -f c.yaml
has edit 'edited' -n bank edit configmap c
is edited '{"b":"edited"}' -n bank get cm c -o 'jsonpath={.data}'
printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: bank}\ntype: other\n' > type.yaml
fails immutable-type 'immutable' apply -f type.yaml

# Waiting and watching
has wait-condition 'condition met' -n bank wait stage/one --for=condition=Ready --timeout=10s
has wait-jsonpath 'condition met' -n bank wait stage/one --for=jsonpath='{.spec.shard}'=j --timeout=10s
fails wait-timeout 'timed out' -n bank wait stage/two --for=condition=Ready --timeout=1s
timeout 20 "$KUBECTL" -n bank get stages --watch-only --output-watch-events > watch.txt 2>&1 & watcher=$!
for n in $(seq 1 60); do
  k -n bank label stage two "tick=$n" --overwrite > /dev/null
  grep -q MODIFIED watch.txt && break
done
kill "$watcher"; wait "$watcher" 2> /dev/null
if grep -Eq 'MODIFIED +two' watch.txt; then pass watch; else fail watch "$(cat watch.txt)"; fi
k -n bank create configmap going > /dev/null
timeout 20 "$KUBECTL" -n bank wait cm/going --for=delete --timeout=15s > wait.txt 2>&1 & waiter=$!
k -n bank delete cm going > /dev/null
if wait "$waiter"; then pass wait-delete; else fail wait-delete "$(cat wait.txt)"; fi

# Events
cat > event.yaml <<'YAML'
apiVersion: v1
kind: Event
metadata: {name: one.1, namespace: bank}
involvedObject: {apiVersion: kargo.akuity.io/v1alpha1, kind: Stage, name: one, namespace: bank, uid: UID}
type: Normal
reason: Promoted
message: freight went in
source: {component: seaway}
firstTimestamp: 2026-01-01T00:00:00Z
lastTimestamp: 2026-01-01T00:00:00Z
count: 1
YAML
sed -i "s/2026-01-01T00:00:00Z/$(date -u +%Y-%m-%dT%H:%M:%SZ)/; s/UID/$(k -n bank get stage one -o 'jsonpath={.metadata.uid}')/" event.yaml
has create-event 'created' create -f event.yaml
has get-events 'Promoted +stage/one +freight went in' -n bank get events
has get-events-new-api 'Promoted' -n bank get events.events.k8s.io
has events-for 'freight went in' -n bank events --for stage/one
has get-events-wide 'seaway +freight went in' -n bank get events -o wide
has events-selected 'Promoted' -n bank get events --field-selector involvedObject.name=one,reason=Promoted
has describe 'Name: +one' -n bank describe stage one
has describe-events 'Promoted.*freight went in' -n bank describe stage one
has describe-secret 'k: +1 bytes' -n bank describe secret s
has describe-namespace 'Status: +Active' describe namespace bank

# Deleting
fails delete-missing 'not found' -n bank delete stage nope
has delete-missing-ignored '^$' -n bank delete stage nope --ignore-not-found
has delete-dry-run 'deleted.*\(server dry run\)' -n bank delete stage two --dry-run=server
has delete-now 'deleted' -n bank delete sa sa --now
has delete-by-file 'deleted' delete -f mig.yaml
has delete-raw 'Success|"kind"' delete --raw /api/v1/namespaces/bank/configmaps/ssa
has delete 'stage.kargo.akuity.io "two" deleted' -n bank delete stage two
fails deleted 'not found' -n bank get stage two
has finalizer 'patched' -n bank patch stage one --type=merge -p '{"metadata":{"finalizers":["seaway.dev/hold"]}}'
has delete-held 'deleted' -n bank delete stage one --wait=false
has held 'T' -n bank get stage one -o 'jsonpath={.metadata.deletionTimestamp}'
fails held-no-new-finalizers 'finalizers' -n bank patch stage one --type=merge -p '{"metadata":{"finalizers":["seaway.dev/hold","x.y/z"]}}'
has release 'patched' -n bank patch stage one --type=merge -p '{"metadata":{"finalizers":null}}'
fails released 'not found' -n bank get stage one
owned() { # OWNER DEPENDENT
  k -n bank create configmap "$1" > /dev/null
  local uid; uid=$(k -n bank get cm "$1" -o 'jsonpath={.metadata.uid}')
  printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n  namespace: bank\n  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: %s, uid: %s, blockOwnerDeletion: true}]\n' "$2" "$1" "$uid" | k create -f - > /dev/null
}
owned o1 d1
has cascade-background 'deleted' -n bank delete cm o1
has cascade-background-done '^$|condition met' -n bank wait cm/d1 --for=delete --timeout=10s
owned o2 d2
has cascade-foreground 'deleted' -n bank delete cm o2 --cascade=foreground
fails cascade-foreground-done 'not found' -n bank get cm d2
owned o3 d3
has cascade-orphan 'deleted' -n bank delete cm o3 --cascade=orphan
is cascade-orphan-kept '' -n bank get cm d3 -o 'jsonpath={.metadata.ownerReferences}'
has delete-selected 'p1" deleted' -n bank delete cm -l prune=please
has delete-all 'deleted' -n bank delete stages --all
has delete-all-done 'No resources found' -n bank get stages
has delete-namespace 'namespace "bank" deleted' delete namespace bank
fails namespace-gone 'not found' get namespace bank
has namespace-emptied 'No resources found' get cm -n bank

# Rights
may() { # NAME ANSWER ARGS...: what `auth can-i` says, whatever its exit code
  local name=$1 answer=$2 said; shift 2
  said=$("$KUBECTL" auth can-i "$@" 2>&1 | tail -1 | cut -d" " -f1)
  if [ "$said" = "$answer" ]; then echo "ok $name"; else echo "FAIL $name: wanted '$answer', got '$said'"; fi
}
has create-namespace-rights 'namespace/rights created' create namespace rights
has create-role 'role.rbac.authorization.k8s.io/early created' -n rights create role early --verb=promote,get --resource=stages.kargo.akuity.io --resource-name=qa
has create-rolebinding 'rolebinding.rbac.authorization.k8s.io/early created' -n rights create rolebinding early --role=early --user=user:alice --serviceaccount=rights:ci
has create-clusterrole 'clusterrole.rbac.authorization.k8s.io/looks created' create clusterrole looks --verb=get,list --resource=configmaps
has create-clusterrole-path 'clusterrole.rbac.authorization.k8s.io/paths created' create clusterrole paths --verb=get --non-resource-url=/logs
has create-clusterrole-gather 'clusterrole.rbac.authorization.k8s.io/gathers created' create clusterrole gathers --aggregation-rule=a=b
has create-clusterrolebinding 'clusterrolebinding.rbac.authorization.k8s.io/looks created' create clusterrolebinding looks --clusterrole=looks --group=team
has create-account 'serviceaccount/ci created' -n rights create serviceaccount ci
has role-table 'early +20[0-9-]+T[0-9:]+Z' -n rights get roles
has binding-table 'early +Role/early +[0-9]+s' -n rights get rolebindings
has binding-table-wide 'user:alice +rights/ci' -n rights get rolebindings -o wide
has cluster-binding-table 'looks +ClusterRole/looks' get clusterrolebindings looks
has describe-role 'stages.kargo.akuity.io +\[\] +\[qa\] +\[promote get\]' -n rights describe role early
has describe-binding 'ServiceAccount +ci +rights' -n rights describe rolebinding early
has rbac-resources 'clusterrolebindings' api-resources --api-group=rbac.authorization.k8s.io
has explain-role 'resourceNames' explain role.rules
may can-promote yes promote stages.kargo.akuity.io/qa -n rights --as user:alice
may cannot-promote no promote stages.kargo.akuity.io/prod -n rights --as user:alice
may can-account yes get stages.kargo.akuity.io/qa -n rights --as system:serviceaccount:rights:ci
may can-group yes list configmaps -A --as x --as-group team
may cannot-group no list secrets -A --as x --as-group team
may can-discover yes get /apis --as x
may cannot-path no get /logs --as x
has can-i-list-as 'stages.kargo.akuity.io +\[\] +\[qa\] +\[promote get\]' -n rights auth can-i --list --as user:alice
has whoami-as 'user:alice' auth whoami --as user:alice
has whoami-groups 'team' auth whoami --as x --as-group team
fails get-as-nobody 'x may not list secrets cluster-wide: no role gives x the verb list on secrets' get secrets -A --as x
has apply-role 'role.rbac.authorization.k8s.io/early configured' apply -f - <<'YAML'
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: early, namespace: rights}
rules:
- {apiGroups: [kargo.akuity.io], resources: [stages], verbs: [promote]}
YAML
may can-promote-now yes promote stages.kargo.akuity.io/prod -n rights --as user:alice
fails bad-role 'apiGroups' apply -f - <<'YAML'
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: bad, namespace: rights}
rules:
- {resources: [stages], verbs: [promote]}
YAML
has reconcile-role 'reconciled' auth reconcile -f - <<'YAML'
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: early, namespace: rights}
rules:
- {apiGroups: [kargo.akuity.io], resources: [stages], verbs: [promote, watch]}
YAML
has create-token 'token-of rights/ci for 3600s' -n rights create token ci
has create-token-long 'token-of rights/ci for 86400s' -n rights create token ci --duration=24h
has create-token-audience 'token-of rights/ci' -n rights create token ci --audience=vault
fails create-token-nobody 'not found' -n rights create token nobody
fails create-token-as 'the verb create on serviceaccounts/token' -n rights create token ci --as user:alice
has delete-binding 'deleted' -n rights delete rolebinding early
may lost-as no get stages.kargo.akuity.io/qa -n rights --as user:alice
