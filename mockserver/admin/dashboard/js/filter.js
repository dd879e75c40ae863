/** What a filter lets through: made once of its words, asked of every row. */

import { AUTOMATIC, MATCHED } from "./rows.js";
import { GRPC } from "./words.js";

/** `503`, `5xx`, `UNAVAILABLE`, `none` (no answer), or empty for all; gives a test of a status, or null where it is no status. */
export function statusTest(text) {
  if (text === "") return () => true;
  if (text === "none") return (status) => status === null;
  if (/^[1-5]xx$/i.test(text)) return (status) => status !== null && Math.floor(status / 100) === Number(text[0]);
  if (GRPC.includes(text.toUpperCase())) return (status) => status === text.toUpperCase();
  if (/^\d{3}$/.test(text)) return (status) => status === Number(text);
  return null;
}

/** `{text, route, status, unmatched}`: every word of the text stands in method, target, route, status, id or outcome. */
export function compileFilter({ text = "", route = "", status = "", unmatched = false }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const ofStatus = statusTest(status) ?? (() => false);
  if (!words.length && !route && !status && !unmatched) return null;
  return (row) => {
    if (unmatched && row.flags & (MATCHED | AUTOMATIC)) return false;
    if (route && row.route !== route && !row.others?.split("\n").includes(route)) return false;
    if (!ofStatus(row.status)) return false;
    if (!words.length) return true;
    const whole = `${row.method} ${row.target} ${row.route ?? "unmatched"} ${row.others ?? ""} ${row.status ?? ""} ${row.id} ${row.outcome} ${row.namespace ?? ""}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  };
}
