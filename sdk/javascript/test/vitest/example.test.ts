import { MockServer } from "@mockserver-py/sdk";
import { useMock } from "@mockserver-py/sdk/vitest";
import axios from "axios";
import axiosRetry from "axios-retry";
import { afterAll, expect, test } from "vitest";

const server = await MockServer.start();
afterAll(() => server.close());
const mock = useMock(server);

// The code under test: it retries failed requests, also POST.
const client = axios.create();
axiosRetry(client, { retries: 3, retryDelay: () => 20, retryCondition: (error) => (error.response?.status ?? 500) >= 500 });

async function pay(serviceUrl: string, order: string) {
  const headers = { "idempotency-key": `pay-${order}` };
  return (await client.post(`${serviceUrl}/payments`, { order }, { headers })).data;
}

test("a payment survives two failures", async () => {
  const payments = await mock.post("/payments").reply(503, 503, { status: 201, json: { paid: true } });

  expect(await pay(mock.url, "42")).toEqual({ paid: true });

  await expect(payments).toHaveCalls(3);
  await expect(payments).toHaveRetried({ operations: 1, same: ["headers.idempotency-key", "body"], gaps: "15ms" });
});

test("a lost answer does not charge twice", async () => {
  await mock
    .post("/payments", { idempotency: { header: "idempotency-key" } })
    .reply({ status: 201, json: { paid: true }, effect: { kind: "payment", order: "{{ request.json.order }}" } });
  await mock.trouble({ route: "POST /payments", call: 1, after: { fault: "reset" } });

  expect(await pay(mock.url, "42")).toEqual({ paid: true });

  await expect(mock).toHaveEffects("payment", { times: 1, where: { order: "42" } });
});
