const { MockServer, VerificationFailed } = require("@mockserver-py/sdk");
const { useMock } = require("@mockserver-py/sdk/jest");
const axios = require("axios");
const { default: axiosRetry, isNetworkError, isRetryableError } = require("axios-retry");

let server;
beforeAll(async () => {
  server = await MockServer.start();
});
afterAll(() => server.close());
const mock = useMock(() => server);

const client = axios.create();
axiosRetry(client, { retries: 3, retryDelay: () => 10, retryCondition: (error) => isNetworkError(error) || isRetryableError(error) });

test("survives two failures", async () => {
  const data = await mock.post("/data").reply(503, 503, { json: { success: true } });

  const { data: answer } = await client.post(`${mock.url}/data`, {}, { headers: { "idempotency-key": "k1" } });

  expect(answer).toEqual({ success: true });
  await expect(data).toHaveCalls({ times: 3, within: "5s" });
  await expect(data).toHaveRetried({ times: 3, operations: 1, same: ["headers.idempotency-key", "body"] });
});

test("charges once although the first answer is lost", async () => {
  await mock
    .post("/charges", { name: "charge", idempotency: { header: "idempotency-key" } })
    .reply({ status: 201, json: { id: "ch_1" }, effect: { kind: "charge" } });
  await mock.trouble({ route: "charge", call: 1, after: { fault: "reset" } });

  await client.post(`${mock.url}/charges`, { amount: 5 }, { headers: { "idempotency-key": "k1" } });

  await expect(mock).toHaveEffects("charge", 1);
  await expect(mock).not.toHaveEffects("charge", 2);
});

test("each test has its own namespace", async () => {
  expect(await mock.calls()).toEqual([]);
  expect(mock.name).toMatch(/^each-test-has-its-own-namespace-/);
});

test("conditions may be asymmetric matchers and regular expressions", async () => {
  const route = await mock.post("/items", { json: { id: expect.anything() }, headers: { "x-kind": /a+/i } }).reply(201);
  expect((await axios.post(`${mock.url}/items`, { id: 1 }, { headers: { "x-kind": "AA" } })).status).toBe(201);
  await expect(route).toHaveCalls({ times: 1, json: { id: 1 } });
  await expect(route.verify({ json: { id: 2 } })).rejects.toThrow(VerificationFailed);
});
