import { after, test } from "node:test";

import { MockServer } from "@mockserver-py/sdk";
import { useMock } from "@mockserver-py/sdk/node-test";

const server = await MockServer.start();
after(() => server.close());
const mock = useMock(server);

test("a mail is sent once", async () => {
  const mails = await mock.post("/mails").reply(202);

  await fetch(`${mock.url}/mails`, { method: "POST", body: "hello" });

  await mails.verify({ times: 1, text: "hello" });
});
