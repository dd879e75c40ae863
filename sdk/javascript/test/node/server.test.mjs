// Servers that these tests start themselves: `mockserver` is on the PATH, and MOCKSERVER_URL is not for them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { MockServer, Refused, StartFailed, Unreachable } from "@mockserver-py/sdk";

delete process.env.MOCKSERVER_URL;
const folder = await mkdtemp(join(tmpdir(), "mockserver-sdk-"));
await writeFile(join(folder, "data.yaml"), "routes: [{name: data, request: POST /data, reply: [503, 200]}]\n");
await writeFile(join(folder, "wrong.yaml"), "routes: [{request: POST /data, reply: {stauts: 503}}]\n");

let server;
before(async () => {
  server = await MockServer.start({ scenarios: join(folder, "data.yaml"), token: "secret", cwd: folder, args: ["--allow-egress", "127.0.0.0/8"] });
});
after(() => server.close());

test("a started server serves its scenarios, with a token", async () => {
  const mock = await server.namespace({ scenarios: ["data"] });
  assert.equal((await fetch(`${mock.url}/data`, { method: "POST" })).status, 503);
  assert.equal(await mock.route("data").count(), 1);
  assert.equal((await server.health()).scenarios, 1);
  assert.equal(server.isOwn, true);
  await mock.remove();
});

test("connect() and start() use MOCKSERVER_URL and MOCKSERVER_ADMIN_TOKEN", async () => {
  process.env.MOCKSERVER_URL = `${server.url}/`;
  process.env.MOCKSERVER_ADMIN_TOKEN = "secret";
  try {
    for (const other of [await MockServer.connect(), await MockServer.start()]) {
      assert.equal(other.url, server.url);
      assert.equal(other.isOwn, false);
      await other.close();
    }
  } finally {
    delete process.env.MOCKSERVER_URL;
    delete process.env.MOCKSERVER_ADMIN_TOKEN;
  }
  assert.equal((await server.health()).status, "ok"); // close() of a connection ends no server
});

test("a URL may name a namespace", async () => {
  const mock = await server.namespace({ name: "checkout" });
  const other = await MockServer.connect(mock.url, { token: "secret" });
  await other.default.get("/items").reply(200);
  assert.equal((await mock.routes()).length, 2);
});

test("a wrong or missing token says what to do", async () => {
  const wrong = /^The admin API at http.*__admin requires a token, and another one was given\nPass `token`, or set MOCKSERVER_ADMIN_TOKEN/;
  await assert.rejects(MockServer.connect(server.url, { token: "guess" }), (error) => error instanceof Refused && wrong.test(error.message));
  await assert.rejects(MockServer.connect(server.url), /requires a token\nPass `token`/);
});

test("webhooks are verified, and requests forwarded", async () => {
  const mock = await server.namespace();
  const service = createServer((request, answer) => answer.writeHead(request.method === "POST" ? 202 : 200).end("real")).listen(0, "127.0.0.1");
  await once(service, "listening");
  const url = `http://127.0.0.1:${service.address().port}`;

  const orders = await mock.post("/orders", { webhook: { url: `${url}/paid` } }).reply(201);
  await mock.get("/prices").proxy(url);
  await fetch(`${mock.url}/orders`, { method: "POST" });

  await mock.assertWebhooks({ route: orders, times: 1, within: "10s" });
  await assert.rejects(mock.assertWebhooks({ outcome: "refused" }), { name: "VerificationFailed" });
  assert.equal((await mock.webhooks())[0].tries[0].status, 202);
  assert.equal(await (await fetch(`${mock.url}/prices`)).text(), "real");
  service.closeAllConnections();
  service.close();
});

test("an address without a server, or with another one, is Unreachable", async () => {
  const other = createServer((_, answer) => answer.end("<p>Hello</p>")).listen(0, "127.0.0.1");
  await once(other, "listening");
  const url = `http://127.0.0.1:${other.address().port}`;
  await assert.rejects(MockServer.connect(url), (error) => error instanceof Unreachable && /answered with 200 and "<p>Hello<\/p>": that is not a mock server/.test(error.message));
  other.close();
  await once(other, "close");
  await assert.rejects(MockServer.connect(url), { name: "Unreachable", message: /No mock server answers at .*ECONNREFUSED.*mockserver serve/ });
  await assert.rejects(MockServer.connect("localhost:8080"), /is not a URL of a mock server/);
  await assert.rejects(MockServer.connect(), /set MOCKSERVER_URL/);
});

test("the admin API may have a separate port", async () => {
  const own = await MockServer.start({ args: ["--admin-port", "0"], cwd: folder });
  try {
    const mock = await own.namespace();
    await mock.get("/items").reply(200);
    assert.equal((await fetch(`${mock.url}/items`)).status, 200);
    const other = await MockServer.connect(own.url, { adminUrl: new URL(own.admin.http.url).origin });
    assert.equal((await other.namespaces()).length, 2);
    await assert.rejects(MockServer.connect(own.url), { name: "Unreachable", message: /There is no admin API at .*, `adminUrl`/ });
  } finally {
    await own.close();
  }
});

test("a server that can't start says why", async () => {
  const failures = await Promise.allSettled([
    MockServer.start({ command: "mockserver-is-not-here" }),
    MockServer.start({ scenarios: join(folder, "wrong.yaml") }),
    MockServer.start({ port: Number(new URL(server.url).port) }),
    MockServer.start({ command: [process.execPath, "-e", "setInterval(() => {}, 1000)"], timeoutMs: 200 }),
    MockServer.start({ command: [process.execPath, "-e", "console.error(\"No module named mockserver\"); process.exit(1)"] }),
  ]);
  const messages = failures.map(({ reason }) => (reason instanceof StartFailed ? reason.message : `another error: ${reason}`));
  assert.match(messages[0], /"mockserver-is-not-here" was not found\. mockserver is a Python program\. Install it/);
  assert.match(messages[1], /`mockserver serve` ended with exit code 2:\n.*wrong\.yaml:1.*unknown key\. Did you mean 'status'\?/s);
  assert.match(messages[2], /ended with exit code 1:\ncan't listen on .*: the port is taken/);
  assert.match(messages[3], /was not ready within 0\.2 s/);
  assert.match(messages[4], /ended with exit code 1:\nNo module named mockserver\nmockserver is a Python program/);
});

const PROGRAM = `
const { MockServer } = require("@mockserver-py/sdk");
MockServer.start().then((server) => {
  console.log(server.url);
  if (process.argv[1] === "wait") setInterval(() => {}, 1000);
});
`;

async function started(...args) {
  const parent = spawn(process.execPath, ["-e", PROGRAM, "--", ...args], { cwd: fileURLToPath(new URL(".", import.meta.url)), stdio: ["ignore", "pipe", "inherit"] });
  const [url] = await once(createInterface({ input: parent.stdout }), "line");
  return { parent, url };
}

async function goneFrom(url) {
  for (let attempt = 0; attempt < 500; attempt++) {
    try {
      await fetch(`${url}/__admin/health`);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`${url} still answers`);
}

test("a server ends with its process, also if that is killed or forgets close()", async () => {
  const [killed, forgetful] = await Promise.all([started("wait"), started()]);
  killed.parent.kill("SIGKILL");
  await Promise.all([goneFrom(killed.url), goneFrom(forgetful.url)]);
  if (forgetful.parent.exitCode === null) await once(forgetful.parent, "exit");
  assert.equal(forgetful.parent.exitCode, 0);
});

test("ESM and CommonJS have the same names", async () => {
  const require = createRequire(import.meta.url);
  for (const name of ["@mockserver-py/sdk", "@mockserver-py/sdk/node-test"]) {
    const names = Object.keys(await import(name)).filter((key) => key !== "default" && key !== "module.exports");
    assert.deepEqual(names.sort(), Object.keys(require(name)).filter((key) => key !== "__esModule").sort());
  }
});
