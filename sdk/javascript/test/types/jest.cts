// Compiled, not run: the types for Jest, from CommonJS.
import { expect } from "@jest/globals";
import { MockServer, VerificationFailed } from "@mockserver-py/sdk";
import { useMock } from "@mockserver-py/sdk/jest";

export async function accepted(server: MockServer) {
  const mock = useMock(() => server);
  const route = await mock.get("/items").reply(200);
  await expect(route).toHaveCalls(1);
  await expect(route).not.toHaveRetried({ operations: 2 });
  await expect(route.verify({ times: 2 })).rejects.toThrow(VerificationFailed);
  // @ts-expect-error: an unknown rule
  await expect(route).toHaveRetried({ attempts: 3 });
}
