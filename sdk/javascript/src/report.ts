import { type NamespaceApi, pages } from "./admin.js";
import type { Schemas } from "./words.js";

const MOST_CALLS = 40;
const MOST_SUGGESTIONS = 3;

/** Return the calls of a namespace as text, with the reasons of unmatched ones. The server masks secrets. */
export async function reportOf(api: NamespaceApi, url: string): Promise<string> {
  const calls = (await pages((page) => api.get("/calls", { query: page }))) as Schemas["CallView"][];
  const unmatched = await pages((page) => api.get("/unmatched", { query: page }));
  if (calls.length === 0) return `No calls to ${url}`;
  const missed = new Map(unmatched.map((call) => [call.id, call]));
  const lines = [`${calls.length} ${calls.length === 1 ? "call" : "calls"} to ${url}`];
  const shown = calls.slice(-MOST_CALLS);
  if (shown.length < calls.length) lines.push(`  … ${calls.length - shown.length} earlier …`);
  const start = Date.parse(calls[0]!.times.arrived);
  const width = Math.min(60, Math.max(...shown.map((call) => line(call).length)));
  for (const call of shown) {
    const time = ((Date.parse(call.times.arrived) - start) / 1000).toFixed(3);
    lines.push(`  t+${time}  ${line(call).padEnd(width)}  ${ending(call).padEnd(3)}  ${answeredBy(call, missed.get(call.id))}`.trimEnd());
  }
  const suggestions = new Set([...missed.values()].map((call) => call.suggestion));
  for (const suggestion of [...suggestions].slice(0, MOST_SUGGESTIONS)) {
    lines.push("", "This route would match:", suggestion.trimEnd().replace(/^/gm, "  "));
  }
  return lines.join("\n");
}

function line(call: Schemas["CallView"]): string {
  return `${call.request.method} ${call.request.path}`;
}

function ending(call: Schemas["CallView"]): string {
  const status = call.reply === null || call.times.first_byte_ms === null ? "---" : String(call.reply.status);
  return call.outcome === "done" ? status : `${status} ${call.outcome.replaceAll("_", " ")}`;
}

function answeredBy(call: Schemas["CallView"], missed: Schemas["UnmatchedView"] | undefined): string {
  if (call.automatic) return "answered automatically";
  if (call.route !== null) return `${call.route}${call.step === null ? "" : `, step ${call.step}`}${call.replayed ? ", replayed" : ""}`;
  const nearest = missed?.nearest[0];
  if (nearest === undefined) return call.request.complete ? "no route matches it" : "its body was not received completely";
  const differences = nearest.differences.map((difference) => difference.text).join("; ");
  return `no route matches it; the nearest is ${nearest.request}: ${differences}`;
}
