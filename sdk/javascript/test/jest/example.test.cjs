const { MockServer } = require("@mockserver-py/sdk");
const { useMock } = require("@mockserver-py/sdk/jest");

let server;
beforeAll(async () => {
  server = await MockServer.start();
});
afterAll(() => server.close());
const mock = useMock(() => server);

test("a mail is sent once", async () => {
  const mails = await mock.post("/mails").reply(202);

  await fetch(`${mock.url}/mails`, { method: "POST", body: "hello" });

  await expect(mails).toHaveCalls({ times: 1, text: "hello" });
});
