// `npm run mock`: the mock server on 127.0.0.1:7444; sign in at /#link=demo, or as bob/bob or eve/eve.
import { MockServer } from "./server.mjs";
import { World } from "./world.mjs";

const url = await new MockServer(new World(), { port: Number(process.env.PORT ?? 7444) }).start();
console.log(`mock of Seaway's API (not Seaway): ${url}/#link=demo
  ${url}/mock/push?version=1.5.1         push an image
  ${url}/mock/push?version=1.5.2&bad     push one whose smoke test fails
  ${url}/mock/branch-moves               somebody else commits
  ${url}/mock/kill-for?ms=5000           go away, and come back`);
