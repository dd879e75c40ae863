/** A body, three ways: laid out, as it came, and byte by byte. Always as text. */

import { button, h, show } from "./dom.js";
import { bytes } from "./words.js";

const HEX_BYTES = 16 * 1024;

/** Of a body view (`text base64 length truncated`) and its header pairs. */
export function bodyView(body, headers, name) {
  if (!body.length) return h("p", { class: "quiet" }, "No body.");
  const modes = { Pretty: () => pretty(body, headers), Raw: () => raw(body), Hex: () => hex(body) };
  const laidOut = modes.Pretty();
  if (laidOut === null) delete modes.Pretty;
  const out = h("pre", { class: "body", tabindex: "0", "aria-label": `${name} body` });
  const tabs = Object.entries(modes).map(([mode, make]) => button(mode, () => choose(mode, make), { class: "small" }));
  function choose(mode, make) {
    tabs.forEach((one) => one.setAttribute("aria-pressed", String(one.textContent === mode)));
    show(out, make());
  }
  choose(...Object.entries(modes)[0]);
  const size = body.truncated ? `${bytes(body.length)}, truncated: the call log has the beginning` : bytes(body.length);
  return h("div", {}, h("div", { class: "row" }, tabs, h("span", { class: "quiet" }, size)), out);
}

function mediaType(headers) {
  const line = headers.find(([name]) => name.toLowerCase() === "content-type");
  return line ? line[1].split(";")[0].trim().toLowerCase() : "";
}

/** JSON and forms laid out; null where there is nothing to lay out. */
function pretty(body, headers) {
  if (body.text === null) return null;
  if (mediaType(headers) === "application/x-www-form-urlencoded") {
    return [...new URLSearchParams(body.text)].map(([name, value]) => `${name} = ${value}`).join("\n");
  }
  try {
    return JSON.stringify(JSON.parse(body.text), null, 2);
  } catch {
    return null;
  }
}

function raw(body) {
  return body.text ?? body.base64;
}

function bytesOf(body) {
  if (body.text !== null) return new TextEncoder().encode(body.text);
  return Uint8Array.from(atob(body.base64), (c) => c.charCodeAt(0));
}

function hex(body) {
  const all = bytesOf(body);
  const lines = [];
  for (let at = 0; at < Math.min(all.length, HEX_BYTES); at += 16) {
    const part = [...all.slice(at, at + 16)];
    const digits = part.map((one) => one.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    const signs = part.map((one) => (one >= 32 && one < 127 ? String.fromCharCode(one) : "·")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${digits}  ${signs}`);
  }
  if (all.length > HEX_BYTES) lines.push(`… ${bytes(all.length - HEX_BYTES)} more`);
  return lines.join("\n");
}
