// Every test of this file fails: what is printed is what matters.
const { MockServer } = require("@mockserver-py/sdk");
const { useMock } = require("@mockserver-py/sdk/jest");

let server;
beforeAll(async () => {
  server = await MockServer.start();
});
afterAll(() => server.close());
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
