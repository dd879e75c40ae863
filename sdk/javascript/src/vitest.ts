/** Matchers and a namespace for each test in Vitest. Importing this module adds the matchers to `expect`. */
import { afterEach, beforeEach, expect } from "vitest";

import { type MockServerMatchers, matchers } from "./matchers.js";
import type { Namespace } from "./namespace.js";
import { type MockOptions, type ServerSource, TestNamespace } from "./use-mock.js";

expect.extend(matchers);

declare module "vitest" {
  // eslint-disable-next-line -- Vitest merges this interface
  interface Matchers<T = any> extends MockServerMatchers<T> {}
}

/**
 * Return a mock that is a new namespace in each test of the current file or `describe`.
 *
 * If a test fails, the calls are printed. Concurrent tests share `mock`; use `server.namespace()` in them.
 */
export function useMock(server: ServerSource, options: MockOptions = {}): Namespace {
  const namespace = new TestNamespace(server, options);
  beforeEach(({ task }) => namespace.open(task.name));
  afterEach(({ task }) => namespace.close(task.result?.state === "fail"));
  return namespace.mock;
}

export { type MockOptions, type MockServerMatchers, matchers };
