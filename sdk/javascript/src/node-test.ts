/** A namespace for each test of node:test. */
import { afterEach, beforeEach } from "node:test";

import type { Namespace } from "./namespace.js";
import { type MockOptions, type ServerSource, TestNamespace } from "./use-mock.js";

/** What node:test gives to its hooks; @types/node does not have all of it. */
interface HookContext {
  name: string;
  passed?: boolean;
}

/**
 * Return a mock that is a new namespace in each test of the current file or `describe`.
 *
 * If a test fails, the calls are printed. Concurrent tests share `mock`; use `server.namespace()` in them.
 */
export function useMock(server: ServerSource, options: MockOptions = {}): Namespace {
  const namespace = new TestNamespace(server, options);
  beforeEach((context) => namespace.open((context as HookContext).name));
  afterEach((context) => namespace.close((context as HookContext).passed === false));
  return namespace.mock;
}

export type { MockOptions };
