import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { MockServer, VerificationFailed } from "@mockserver-py/sdk";
import { useMock } from "@mockserver-py/sdk/node-test";

import { clients } from "../clients.mjs";

let server;
before(async () => {
  server = await MockServer.start();
});
after(() => server.close());
const mock = useMock(() => server);

for (const [name, post] of Object.entries(clients)) {
  test(`${name} survives two failures`, async () => {
    const data = await mock.post("/data").reply(503, 503, { json: { success: true } });

    assert.deepEqual(await post(`${mock.url}/data`, {}, { "idempotency-key": "k1" }), { success: true });

    assert.equal(await data.count(), 3);
    await data.assertAttempts({ times: 3, operations: 1, same: ["headers.idempotency-key", "body"], max: 3 });
    await assert.rejects(data.assertAttempts({ max: 2 }), VerificationFailed);
  });

  test(`${name} charges once although the first answer is lost`, async () => {
    const charges = await mock
      .post("/charges", { idempotency: { header: "idempotency-key" } })
      .reply({ status: 201, json: { id: "ch_1" }, effect: { kind: "charge" } });
    await mock.trouble({ route: charges, call: 1, after: { fault: "reset" } });

    await post(`${mock.url}/charges`, { amount: 5 }, { "idempotency-key": "k1" });

    await mock.assertEffects("charge", { times: 1 });
    assert.equal((await mock.effects("charge")).length, 1);
    await assert.rejects(mock.assertEffects("charge", { times: 2 }), VerificationFailed);
  });
}

describe("a namespace", () => {
  test("shows what was called", async () => {
    const items = await mock.post("/items", { name: "items", json: { id: /a\d/ } }).reply({ status: 201, headers: { "x-id": "a1" } });
    await fetch(`${mock.url}/items?page=2`, { method: "POST", body: '{"id": "a1"}', headers: { "content-type": "application/json" } });

    const [call] = await items.calls();
    assert.equal(call.request.method, "POST");
    assert.equal(call.request.query.get("page"), "2");
    assert.equal(call.request.headers["content-type"], "application/json");
    assert.deepEqual(call.request.json(), { id: "a1" });
    assert.equal(call.response.headers["x-id"], "a1");
    assert.equal(call.status, 201);
    assert.equal(await mock.count("POST /items", { json: { id: "a1" } }), 1);
    assert.equal((await mock.counts()).total, 1);
    assert.deepEqual((await mock.findCalls("PAGE=2")).map((found) => found.id), [call.id]);
    assert.deepEqual(await mock.findCalls("page=3"), []);
    assert.equal((await items.info()).calls, 1);
    const operations = await items.attempts();
    assert.deepEqual([operations.length, operations.amplification, operations[0].final], [1, 1, "succeeded"]);
    await mock.deleteCall(call);
    assert.equal((await mock.counts()).total, 0);
  });

  test("explains unmatched requests", async () => {
    await mock.post("/items").reply(201);
    await fetch(`${mock.url}/item`, { method: "POST" });

    const [request] = await mock.unmatched();
    assert.equal(request.nearest[0].request, "POST /items");
    assert.match(request.suggestion, /POST \/item/);
    assert.match(await mock.report(), /POST \/item +404 +no route matches it; the nearest is POST \/items/);
    await assert.rejects(mock.verify(), (error) => error instanceof assert.AssertionError && /expected no unmatched call, saw 1/.test(error.message));
    assert.equal((await mock.explain("POST /items")).route, "runtime/POST /items");
    await mock.reset("calls"); // else this test fails
  });

  test("waits for calls", async () => {
    const route = await mock.get("/later").reply(200);
    const waiting = route.verify({ times: 2, within: "5s", quiet: "1ms" });
    await Promise.all([fetch(`${mock.url}/later`), fetch(`${mock.url}/later`)]);
    await waiting;
    await mock.verify({ in_order: [{ route }, { request: "GET /later" }] }, { unmatched: 0 });
  });

  test("has outages, a clock and state", async () => {
    await mock.get("/items", { when: { open: true } }).reply({ json: [] });
    await mock.state.write({ open: true, stock: 3 });
    {
      const outage = await mock.outage({ status: 503, headers: { "retry-after": "1" } });
      assert.equal((await fetch(`${mock.url}/items`)).status, 503);
      await outage.end();
    }
    const rollback = await mock.rollback();
    await mock.state.forget("stock");
    assert.equal(await mock.state.read("stock"), undefined);
    await rollback.end();
    assert.deepEqual(await mock.state.all(), { open: true, stock: 3 });
    assert.equal((await fetch(`${mock.url}/items`)).status, 200);

    const before = await mock.clock.freeze("2026-01-31T12:00:00Z");
    const after = await mock.clock.advance("1h");
    assert.equal(after.getTime() - before.getTime(), 3_600_000);
    assert.deepEqual(await mock.clock.now(), after);
    assert.equal((await mock.clock.at(new Date("2027-01-01T00:00:00Z"))).getUTCFullYear(), 2027);
    await mock.clock.freeze();
    await mock.clock.resume();
    assert.ok(Math.abs((await mock.clock.reset()) - Date.now()) < 60_000);
    await mock.reset();
    assert.deepEqual(await mock.state.all(), {});
  });

  test("has scenarios", async () => {
    const path = new URL("../vitest/scenarios/shop.yaml", import.meta.url).pathname;
    assert.equal(await mock.scenarios.load(path), "shop");
    await mock.scenarios.put("mails", { routes: [{ request: "POST /mails", reply: 202 }] });
    await mock.scenarios.use("mails");
    const active = (await mock.scenarios.list()).filter((scenario) => scenario.active).map((scenario) => scenario.name);
    assert.deepEqual(active, ["mails"]);
    assert.equal((await fetch(`${mock.url}/mails`, { method: "POST" })).status, 202);
    assert.deepEqual((await mock.routes()).map((route) => route.id).sort(), ["mails/POST /mails", "shop/create-charge", "shop/stock"]);
  });

  test("changes and removes routes", async () => {
    const route = await mock.get("/items").reply(200);
    await route.reply(500, 404);
    await route.update({ then: "stop" });
    const statuses = [];
    for (let call = 0; call < 3; call++) statuses.push((await fetch(`${mock.url}/items`)).status);
    assert.deepEqual(statuses, [500, 404, 404]);
    await route.remove();
    assert.deepEqual(await mock.routes(), []);
    await mock.reset();
  });

  test("rejects invalid input before anything is sent, or with the words of the server", async () => {
    const route = mock.get("/items");
    assert.throws(() => route.id, /GET \/items does not answer yet/);
    await assert.rejects(mock.get("/a").reply({ text: new Uint8Array(1) }), /reply\.text: .* is not a JSON value\. Write \{base64: …\}/);
    await assert.rejects(mock.get("/a", { json: { a: [Number.NaN] } }).reply(200), /match\.json\.a\[0\]: NaN is not a JSON value/);
    await assert.rejects(mock.trouble({ route: mock.get("/a").reply(200), call: 1, after: 500 }), /\[0\]\.route: .*Await it first/);
    await assert.rejects(mock.clock.advance(5), /5 is not a duration/);
    await assert.rejects(route.reply({ stauts: 503 }), { name: "Refused", status: 422, message: /unknown key\. Did you mean 'status'\?/ });
    await assert.rejects(mock.assertEffects("chrge", { times: 0 }), { name: "Refused", kind: "invalid" });
  });
});

test("a test may remove its namespace", async () => {
  await mock.remove();
});

test("the global fetch may be replaced", async (t) => {
  t.mock.method(globalThis, "fetch", () => assert.fail("it was called"));
  const route = await mock.get("/items").reply(200);
  assert.equal(await route.count(), 0);
});

describe("without strict checks", () => {
  const lenient = useMock(() => server, { strict: false });

  test("a request may be unmatched", async () => {
    assert.equal((await fetch(`${lenient.url}/unknown`)).status, 404);
  });
});
