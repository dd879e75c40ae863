// Compiled, not run: what the types accept and reject.
import { MockServer, type Namespace, type Route, type Schemas } from "@mockserver-py/sdk";
import { useMock } from "@mockserver-py/sdk/vitest";
import { expect } from "vitest";

export async function accepted(server: MockServer) {
  const mock: Namespace = useMock(server, { scenarios: ["shop"], strict: false });
  const route: Route = await mock
    .post("/data", { name: "data", json: { amount: { $gte: 5 } }, headers: { authorization: /Bearer .+/, "x-id": "present" }, expect: { min: 1 } })
    .reply(503, { status: 429, headers: { "retry-after": "1" } }, { fault: "reset" }, { json: { a: 1 }, delay: "200ms", times: 2 });
  await route.verify({ times: { min: 1 }, within: "5s", quiet: "100ms", query: { page: "2" } });
  await route.assertAttempts({ times: 3, operations: 1, same: "body", gaps: ["100ms", { min: "200ms" }], growing: true, honours: "retry-after" });
  await mock.verify({ in_order: [{ route, times: 2 }, { request: "GET /b", json: { a: 1 } }] }, { leaks: 0 });
  await mock.outage(503, { routes: [route, "other"], times: 2, for: "1h" });
  await mock.trouble({ route, call: 2, after: { fault: "close" } }, { route: "data", call: 1, before: 500, optional: true });
  await mock.scenarios.put("mails", { base: "/v1", routes: [{ request: "POST /mails", reply: [202, { status: 200, json: {} }] }] });
  const count: number = (await mock.admin.post("/count", { body: { route: "data" } })).count;
  const namespaces: Schemas["NamespaceView"][] = (await server.admin.get("/namespaces")).items;
  const view: Schemas["RouteView"] = await mock.admin.get("/routes/{id}", { path: { id: "data" } });
  const nothing: undefined = await mock.admin.delete("/outage");
  await expect(route).toHaveCalls(3);
  await expect(route).not.toHaveCalls({ times: { max: 2 }, json: { a: 1 } });
  await expect(route).toHaveRetried({ max: 3 });
  await expect(mock).toHaveEffects("charge", { times: 1, where: { order: "42" } });
  await expect(mock).toPassChecks();
  return { count, namespaces, view, nothing };
}

export async function rejected(mock: Namespace, route: Route) {
  // @ts-expect-error: an unknown fault
  await route.reply({ fault: "rset" });
  // @ts-expect-error: an unknown key
  await route.reply({ stauts: 503 });
  // @ts-expect-error: a duration is a text
  await route.verify({ within: 5 });
  // @ts-expect-error: an unknown key
  await route.assertAttempts({ same_key: true });
  // @ts-expect-error: an unknown key
  mock.post("/data", { heders: {} });
  // @ts-expect-error: an unknown endpoint
  await mock.admin.get("/call");
  // @ts-expect-error: the path parameter is missing
  await mock.admin.get("/routes/{id}");
  // @ts-expect-error: an unknown part
  await mock.reset("call");
}
