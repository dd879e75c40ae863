// Every test of this file fails: what is printed is what matters.
import { MockServer } from "@mockserver-py/sdk";
import { useMock } from "@mockserver-py/sdk/vitest";
import { expect, test } from "vitest";

const mock = useMock(await MockServer.start());

test("a matcher shows the calls", async () => {
  const route = await mock.post("/mails").reply(202);
  await fetch(`${mock.url}/mails`, { method: "POST" });
  await expect(route).toHaveCalls(2);
});

test("a negated matcher fails if the check passes", async () => {
  const route = await mock.post("/mails").reply(202);
  await fetch(`${mock.url}/mails`, { method: "POST" });
  await expect(route).not.toHaveCalls(1);
});

test("an unmatched request fails the test", async () => {
  await mock.post("/mails").reply(202);
  await fetch(`${mock.url}/mail`, { method: "POST" });
});
