/** Matchers and a namespace for each test in Jest. Importing this module adds the matchers to `expect`. */
import { afterEach, beforeEach, expect } from "@jest/globals";

import { type MockServerMatchers, matchers } from "./matchers.js";
import type { Namespace } from "./namespace.js";
import { type MockOptions, type ServerSource, TestNamespace } from "./use-mock.js";

expect.extend(matchers);

declare module "@jest/expect" {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends MockServerMatchers<R> {}
}

declare global {
  namespace jest {
    interface Matchers<R, T = {}> extends MockServerMatchers<R> {}
  }
}

/**
 * Return a mock that is a new namespace in each test of the current file or `describe`.
 *
 * If a test fails, the calls are printed. Concurrent tests share `mock`; use `server.namespace()` in them.
 */
export function useMock(server: ServerSource, options: MockOptions = {}): Namespace {
  const namespace = new TestNamespace(server, options);
  beforeEach(() => namespace.open(expect.getState().currentTestName ?? "test"));
  afterEach(() => namespace.close(hasFailed()));
  return namespace.mock;
}

/** Whether the current test has failed so far. Jest has no public way to ask; without an answer, no report is printed. */
function hasFailed(): boolean {
  const symbol = Object.getOwnPropertySymbols(globalThis).find(({ description }) => description === "JEST_STATE_SYMBOL");
  const state = symbol && (globalThis as Record<symbol, any>)[symbol];
  return (state?.currentlyRunningTest?.errors?.length ?? 0) > 0;
}

export { type MockOptions, type MockServerMatchers, matchers };
