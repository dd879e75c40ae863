/** How numbers, times and outcomes are written for people. */

/** `0.4 ms`, `12 ms`, `1.25 s`, `3 min 5 s`. */
export function duration(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  const size = Math.abs(ms);
  if (size < 10) return `${trimmed(ms, size < 1 ? 2 : 1)} ms`;
  if (size < 1000) return `${Math.round(ms)} ms`;
  if (size < 60_000) return `${trimmed(ms / 1000, 2)} s`;
  if (size < 3_600_000) return [`${Math.trunc(ms / 60_000)} min`, size % 60_000 >= 500 && `${Math.round((size % 60_000) / 1000)} s`].filter(Boolean).join(" ");
  return `${trimmed(ms / 3_600_000, 1)} h`;
}

function trimmed(number, digits) {
  return String(Number(number.toFixed(digits)));
}

/** `14:02:07.153`, local time. */
export function clockTime(ms) {
  const at = new Date(ms);
  const two = (n) => String(n).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** Of an instant (RFC 3339), by the reader's own clock as the list of calls is; the day too. */
export function dayAndTime(instant) {
  const at = new Date(instant);
  const two = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clockTime(at.getTime())}`;
}

export function bytes(n) {
  if (n < 1000) return `${n} B`;
  if (n < 1_000_000) return `${trimmed(n / 1000, 1)} kB`;
  return `${trimmed(n / 1_000_000, 1)} MB`;
}

export function many(n, noun) {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}

/** The statuses of gRPC, by their numbers. */
export const GRPC = [
  "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** A class of answers: its name for styles, and a sign that says the same without colour. The status of gRPC is its name. */
export function kindOf(status, outcome) {
  if (outcome === "client_left") return { name: "left", sign: "◁" };
  if (outcome && outcome !== "done" && outcome !== "open") return { name: "broken", sign: "✕" };
  if (!status) return { name: "open", sign: "…" };
  if (status === "OK") return { name: "good", sign: "●" };
  if (status < 300) return { name: "good", sign: "●" };
  if (status < 400) return { name: "other", sign: "→" };
  if (status < 500) return { name: "refused", sign: "▲" };
  return { name: "failed", sign: "■" };
}

/** The same of an answer as counted: a status, a fault, or what became of the call. */
export function kindOfAnswer(answer) {
  if (/^\d+$/.test(answer)) return kindOf(Number(answer), "done");
  if (GRPC.includes(answer)) return kindOf(answer, "done");
  return kindOf(null, answer);
}

const OUTCOMES = {
  open: "open",
  done: "completed",
  reset: "connection reset",
  close: "connection closed",
  truncate: "answer truncated",
  garbage: "garbage sent",
  malformed_chunk: "malformed chunk sent",
  invalid_frame: "invalid frame sent",
  client_left: "client disconnected",
  incomplete: "incomplete request",
  lost: "reply lost with its replica or store",
};

export function outcomeText(outcome) {
  return OUTCOMES[outcome] ?? outcome;
}
