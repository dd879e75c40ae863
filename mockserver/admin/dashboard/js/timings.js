/** When a call was claimed, began to be answered, and ended: drawn to scale. */

import { h, s } from "./dom.js";
import { duration, outcomeText } from "./words.js";

const WIDTH = 520;

/** Of a call's `times` (milliseconds after its arrival). */
export function timingsView(call) {
  const { claimed_ms: claimed, first_byte_ms: first, last_byte_ms: last, left_ms: left } = call.times;
  const end = Math.max(claimed ?? 0, first ?? 0, last ?? 0, left ?? 0);
  const parts = [
    { name: "Matching", from: 0, to: claimed, fill: "bar-a" },
    { name: "Waiting", from: claimed, to: first ?? left, fill: "bar-b" },
    { name: "Sending", from: first, to: left ?? last, fill: "bar-c" },
  ].filter((one) => one.from !== null && one.to !== null && one.to >= one.from);
  if (!parts.length || !end) return h("p", { class: "quiet" }, `${outcomeText(call.outcome)}; no times.`);
  const x = (ms) => (ms / end) * WIDTH;
  const text = parts.map((one) => `${one.name} ${duration(one.to - one.from)}`).join(", ");
  const picture = s(
    "svg",
    { class: "timings", viewBox: `0 0 ${WIDTH} 20`, preserveAspectRatio: "none", role: "img", "aria-label": text },
    s("rect", { class: "bar-ground", width: WIDTH, height: 20 }),
    parts.map((one, i) => s("rect", { class: one.fill, x: x(one.from), y: 3 + i * 5, width: Math.max(2, x(one.to) - x(one.from)), height: 4 })),
    left === null ? null : s("rect", { class: "bar-left", x: Math.min(WIDTH - 2, x(left)), width: 2, height: 20 }),
  );
  return h("div", {}, picture, h("dl", { class: "pairs" },
    parts.map((one) => [h("dt", {}, h("span", { class: `swatch ${one.fill}`, "aria-hidden": "true" }), one.name), h("dd", {}, duration(one.to - one.from))]),
    left === null ? [] : [h("dt", {}, "Client disconnected after"), h("dd", {}, duration(left))],
    [h("dt", {}, "Total"), h("dd", {}, duration(end))]));
}
