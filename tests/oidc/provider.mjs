// A real OIDC provider on http://localhost:PORT for the tests of sign-in: `node provider.mjs [PORT]` prints `ready <issuer>`.
//
// Whatever is typed at its sign-in form signs in the account of that name. `POST /test` changes it while it runs, as JSON:
//   groups: {"carl": [..]}    puts an account into other groups
//   disable: ["carl"]         closes accounts
//   seconds: N                lifetime of ID tokens
// and, forgetting sessions and grants:
//   redirectURIs: [..]        where the page's client may be sent back to
//   rotate: true              signs with a new key from now on; the old one is gone
//   thin: true|false          ID tokens without profile and groups (they stand in userinfo), or with them
//   device: true|false        offers the device flow, or not
import { createServer } from "node:http";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { Provider } from "oidc-provider";

const accounts = {
  carl: { name: "Carl Cargo", email: "carl@example.com", email_verified: true, groups: ["devops", "promoters"] },
  vera: { name: "Vera Viewer", email: "vera@example.com", email_verified: true, groups: ["viewers"] },
  newt: { name: "Newt Unproven", email: "newt@example.com", email_verified: false, groups: ["devops"] },
  mole: { name: "Mole", email: "mole@example.com", email_verified: true, groups: ["system:masters", "devops"] },
};
const closed = new Set();
const state = { redirectURIs: ["https://127.0.0.1:7443/seaway/v1/oidc/callback"], thin: false, device: true, seconds: 3600 };
const cookieKey = randomUUID();
let key = newKey();
let answer;

function newKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
}

function findAccount(_ctx, id) {
  const account = accounts[id];
  if (!account || closed.has(id)) return undefined;
  return { accountId: id, claims: () => ({ sub: id, ...account }) };
}

function build(issuer) {
  const code = ["authorization_code", "refresh_token"];
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "seaway",
        client_secret: "seaway-secret-of-the-tests",
        grant_types: code,
        redirect_uris: state.redirectURIs,
      },
      {
        client_id: "seaway-cli",
        token_endpoint_auth_method: "none",
        application_type: "native",
        grant_types: state.device ? [...code, "urn:ietf:params:oauth:grant-type:device_code"] : code,
        redirect_uris: ["http://127.0.0.1/callback"],
      },
    ],
    findAccount,
    jwks: { keys: [key] },
    cookies: { keys: [cookieKey] },
    claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"], groups: ["groups"] },
    conformIdTokenClaims: state.thin,
    pkce: { required: () => true },
    features: { deviceFlow: { enabled: state.device }, devInteractions: { enabled: true }, revocation: { enabled: true } },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed("refresh_token"),
    ttl: { IdToken: () => state.seconds, AccessToken: 3600, AuthorizationCode: 60, DeviceCode: 600, RefreshToken: 86400 },
    deviceFlowPollingInterval: 1,
  });
  answer = provider.callback();
}

async function change(request, response, issuer) {
  let text = "";
  for await (const piece of request) text += piece;
  const { rotate, groups = {}, disable = [], seconds = state.seconds, ...rest } = JSON.parse(text);
  Object.assign(state, rest, { seconds });
  for (const [name, list] of Object.entries(groups)) accounts[name].groups = list;
  disable.forEach((name) => closed.add(name));
  if (rotate) key = newKey();
  if (rotate || Object.keys(rest).length) build(issuer);
  response.writeHead(204).end();
}

const server = createServer((request, response) => {
  const issuer = `http://localhost:${server.address().port}`;
  if (request.method === "POST" && request.url === "/test") return change(request, response, issuer);
  return answer(request, response);
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  const issuer = `http://localhost:${server.address().port}`;
  build(issuer);
  console.log(`ready ${issuer}`);
});
// Ends with the test that started it.
process.stdin.on("end", () => process.exit(0)).resume();
