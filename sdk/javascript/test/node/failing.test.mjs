// Every test of this file fails: what is printed is what matters.
import { after, before, test } from "node:test";

import { MockServer } from "@mockserver-py/sdk";
import { useMock } from "@mockserver-py/sdk/node-test";

let server;
before(async () => {
  server = await MockServer.start();
});
after(() => server.close());
const mock = useMock(() => server);

test("a check shows the calls", async () => {
  const route = await mock.post("/mails").reply(202);
  await fetch(`${mock.url}/mails`, { method: "POST" });
  await route.verify({ times: 2 });
});

test("an unmatched request fails the test", async () => {
  await mock.post("/mails").reply(202);
  await fetch(`${mock.url}/mail`, { method: "POST" });
});
