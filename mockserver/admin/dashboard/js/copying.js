/** A call as something to paste: a curl command, a route in YAML, a test in Python. */

import { toYaml } from "./yaml.js";

/** Header lines that a client makes by itself, or that belong to one connection. */
const BY_ITSELF = new Set(["host", "content-length", "connection", "accept-encoding", "transfer-encoding", "expect", "user-agent", "accept", "traceparent"]);
const OF_THE_SERVER = new Set(["content-length", "date", "server", "connection", "transfer-encoding", "content-type"]);

function own(pairs, without) {
  return pairs.filter(([name]) => !without.has(name.toLowerCase()));
}

/** A word of a POSIX shell. A body with control characters goes as `$'…'`. */
export function shellWord(text) {
  if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(text)) return text;
  // eslint-disable-next-line no-control-regex
  if (!/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = [...new TextEncoder().encode(text)]
    .map((one) => (one >= 32 && one < 127 && one !== 39 && one !== 92 ? String.fromCharCode(one) : `\\x${one.toString(16).padStart(2, "0")}`))
    .join("");
  return `$'${escaped}'`;
}

/** `base` is the mock's URL. A body that is no text is piped in from Base64. */
export function asCurl(call, base) {
  const { method, target, headers, body } = call.request;
  const words = ["curl", "-i"];
  if (method === "HEAD") words.push("--head");
  else if (!["GET", "WS"].includes(method) || body.length) words.push("-X", shellWord(method));
  words.push("--path-as-is", shellWord(base + target));
  const lines = own(headers, new Set([...BY_ITSELF].filter((name) => name !== "traceparent" && name !== "accept")));
  const parts = [words.join(" "), ...lines.map(([name, value]) => `-H ${shellWord(value ? `${name}: ${value}` : `${name};`)}`)];
  if (body.length) {
    if (!headers.some(([name]) => name.toLowerCase() === "content-type")) parts.push("-H 'Content-Type:'");
    parts.push(`--data-binary ${body.text === null ? "@-" : shellWord(body.text.startsWith("@") ? `${body.text}` : body.text)}`);
  }
  const command = parts.join(" \\\n  ");
  return body.length && body.text === null ? `echo ${body.base64} | base64 -d | ${command}` : command;
}

function mediaType(pairs) {
  const line = pairs.find(([name]) => name.toLowerCase() === "content-type");
  return line ? line[1].split(";")[0].trim().toLowerCase() : "";
}

/** The body as the keys `json`, `form` or `text` of the scenario language; empty where it has none. */
function bodyKeys(body, headers, exact) {
  if (!body.length || body.truncated) return {};
  if (body.text === null) return exact ? { base64: body.base64, headers: contentType(headers) } : {};
  const kind = mediaType(headers);
  if (kind === "application/x-www-form-urlencoded") return { form: Object.fromEntries(new URLSearchParams(body.text)) };
  try {
    return { json: JSON.parse(body.text) };
  } catch {
    return { text: body.text, ...(exact && kind && kind !== "text/plain" ? { headers: contentType(headers) } : {}) };
  }
}

function contentType(headers) {
  const line = headers.find(([name]) => name.toLowerCase() === "content-type");
  return line ? { "content-type": line[1] } : {};
}

function several(pairs) {
  const values = {};
  for (const [name, value] of pairs) values[name] = name in values ? [values[name], value].flat() : value;
  return values;
}

function messageOf({ type, body }) {
  if (type === "binary") return { base64: body.base64 ?? btoa(String.fromCharCode(...new TextEncoder().encode(body.text))) };
  return body.length && !body.truncated ? bodyKeys(body, [], false) : { text: body.text };
}

/** The steps that the service took on a WebSocket connection. */
function scriptOf({ frames, closed }) {
  const messages = frames.filter(({ type }) => type === "text" || type === "binary");
  const steps = messages.map((frame) => ({ [frame.direction === "sent" ? "send" : "receive"]: messageOf(frame) }));
  if (closed?.by === "server" && closed.code !== 1006) steps.push({ close: closed.reason ? { code: closed.code, reason: closed.reason } : closed.code });
  return steps;
}

/** The reply as the scenario language writes it. */
export function replyOf(call) {
  if (call.websocket) return { websocket: scriptOf(call.websocket) };
  if (call.reply === null) return call.fault ? { fault: call.fault } : { fault: "close" };
  const { headers: ofBody, ...body } = bodyKeys(call.reply.body, call.reply.headers, true);
  const headers = { ...ofBody, ...several(own(call.reply.headers, OF_THE_SERVER)) };
  const reply = { status: call.reply.status, ...(Object.keys(headers).length ? { headers } : {}), ...body, ...(call.fault ? { fault: call.fault } : {}) };
  const text = JSON.stringify(body);
  if (/\{\{|\{%|\{#/.test(text)) reply.raw = true;
  return reply;
}

/** A route that takes this request and answers as it was answered. Braces in a path would be parameters. */
export function asRoute(call) {
  const { method, path, query, headers, body } = call.request;
  const match = { ...(query.length ? { query: several(query) } : {}), ...bodyKeys(body, headers, false) };
  const reply = replyOf(call);
  const plain = Object.keys(reply).length === 1 && "status" in reply;
  const literal = path.replace(/[{}]/g, (c) => encodeURIComponent(c));
  return { request: `${method} ${literal}`, ...(Object.keys(match).length ? { match } : {}), reply: plain ? reply.status : reply };
}

export function asYaml(call) {
  return toYaml([asRoute(call)]);
}

/** A value of JSON as Python writes it. */
export function python(value) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([key, item]) => `${python(key)}: ${python(item)}`).join(", ")}}`;
  if (typeof value === "string") return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ud800-\udfff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return String(value);
}

function functionName(call) {
  const words = `${call.request.method} ${call.request.path}`.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  return `test_${words.slice(0, 60)}`;
}

/** A test with the fixture `mock_server` and requests. */
export function asPython(call) {
  const { method, query, headers, body } = call.request;
  const route = asRoute(call);
  const lines = own(headers, BY_ITSELF).filter(([name]) => name.toLowerCase() !== "content-type" || body.length);
  const given = [`"${method}"`, `mock_server.url + ${python(call.request.path)}`];
  if (query.length) given.push(`params=${python(query)}`);
  if (lines.length) given.push(`headers=${python(Object.fromEntries(lines))}`);
  if (body.length) given.push(`data=${body.text === null ? `base64.b64decode(${python(body.base64)})` : `${python(body.text)}.encode()`}`);
  const step = python(typeof route.reply === "number" ? route.reply : route.reply);
  const path = python(route.request.slice(method.length + 1));
  const match = route.match ? `, ${Object.entries(route.match).map(([name, value]) => `${name}=${python(value)}`).join(", ")}` : "";
  const verb = ["GET", "POST", "PUT", "PATCH", "DELETE"].includes(method) ? method.toLowerCase() : "any";
  const broken = call.fault !== null || call.reply === null;
  return [
    ...(body.length && body.text === null ? ["import base64", ""] : []),
    ...(broken ? ["import pytest"] : []),
    "import requests", "", "",
    `def ${functionName(call)}(mock_server):`,
    `    route = mock_server.${verb}(${path}${match}).reply(${step})`,
    "",
    ...(broken
      ? ["    with pytest.raises(requests.RequestException):", `        requests.request(${given.join(", ")}, timeout=5)`]
      : [`    answer = requests.request(${given.join(", ")}, timeout=5)`, "", `    assert answer.status_code == ${call.reply.status}`]),
    "    assert route.call_count == 1", "",
  ].join("\n");
}
