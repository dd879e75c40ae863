// Two files run this suite at the same time, on one server and with the same paths.
import { MockServer } from "@mockserver-py/sdk";
import { useMock } from "@mockserver-py/sdk/vitest";
import { describe, expect, test } from "vitest";

import { clients } from "../clients.mjs";

export async function suite(file: string) {
  const server = await MockServer.connect();
  const mock = useMock(server);

  describe.each(Object.entries(clients))("%s", (_, post) => {
    test("survives two failures", async () => {
      const data = await mock.post("/data").reply(503, 503, { json: { success: true, file } });

      expect(await post(`${mock.url}/data`, {}, { "idempotency-key": "k1" })).toEqual({ success: true, file });

      await expect(data).toHaveCalls(3);
      await expect(data).not.toHaveCalls(2);
      await expect(data).toHaveRetried({ times: 3, operations: 1, same: ["headers.idempotency-key", "body"] });
      expect((await data.calls()).map((call) => call.status)).toEqual([503, 503, 200]);
    });

    test("charges once although the first answer is lost", async () => {
      const charges = mock.route("create-charge");
      await mock.trouble({ route: charges, call: 1, after: { fault: "reset" } });

      const charge = await post(`${mock.url}/charges`, { order: file }, { "idempotency-key": `order-${file}` });

      expect(charge).toEqual({ id: "ch_1" });
      await charges.assertAttempts({ times: 2, operations: 1, same: ["headers.idempotency-key", "body"] });
      await expect(mock).toHaveEffects("charge", 1);
      await expect(mock).toHaveEffects("charge", { times: 1, where: { order: file } });
    });
  });

  test.concurrent.each([1, 2, 3, 4, 5])("namespace %i has its own sequence and state", async (number) => {
    await using own = await server.namespace();
    const data = await own.post("/data").reply(503, { json: { number } });
    await own.state.write({ left: number });

    const statuses = [];
    for (let attempt = 0; attempt < 2; attempt++) {
      statuses.push((await fetch(`${server.url}/data`, { method: "POST", headers: own.headers })).status);
    }

    expect(statuses).toEqual([503, 200]);
    expect(await (await fetch(`${own.url}/stock`)).json()).toEqual({ left: number });
    expect(await data.count()).toBe(2);
  });
}
