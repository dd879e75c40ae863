/**
 * JSON values as YAML that a person would have written: blocks, small values
 * in braces, and quotes wherever YAML 1.2 or 1.1 might read something else.
 */

const FLOW_WIDTH = 60;
const PLAIN = /^[A-Za-z_/$][A-Za-z0-9_./$-]*(?: [A-Za-z0-9_./$-]+)*$/;
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n|~)$/i;

export function toYaml(value) {
  return `${attached("", value, 0).join("\n")}\n`;
}

function attached(head, value, indent) {
  const gap = head && `${head} `;
  if (typeof value === "string" && isBlock(value)) {
    const chomp = value.endsWith("\n") ? "" : "-";
    const pad = " ".repeat(indent + 2);
    const lines = value.replace(/\n$/, "").split("\n");
    return [`${gap}|${chomp}`, ...lines.map((line) => (line ? pad + line : ""))];
  }
  if (value === null || typeof value !== "object") return [gap + scalar(value)];
  const flow = flowOf(value);
  const depth = head && flow.length <= FLOW_WIDTH;
  if (depth || flow === "{}" || flow === "[]") return [gap + flow];
  const below = block(value, head ? indent + 2 : indent);
  return head ? [head, ...below] : below;
}

function block(value, indent) {
  const pad = " ".repeat(indent);
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      const [first, ...rest] = isNested(item) && flowOf(item).length > FLOW_WIDTH ? block(item, indent + 2) : attached("-", item, indent);
      return first.startsWith(`${pad}  `) ? [`${pad}- ${first.trimStart()}`, ...rest] : [pad + first, ...rest];
    });
  }
  return Object.entries(value).flatMap(([key, item]) => {
    const [first, ...rest] = attached(`${scalar(key)}:`, item, indent);
    return [pad + first, ...rest];
  });
}

function isNested(value) {
  return value !== null && typeof value === "object";
}

/** A text that reads better over several lines, and survives it. */
function isBlock(text) {
  return text.includes("\n") && !text.endsWith("\n\n") && !/^\s|[^\S\n]\n|\r|\t/.test(text) && printable(text);
}

function printable(text) {
  // eslint-disable-next-line no-control-regex
  return !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ud800-\udfff]/.test(text);
}

function flowOf(value) {
  if (Array.isArray(value)) return `[${value.map(flowOf).join(", ")}]`;
  if (isNested(value)) return `{${Object.entries(value).map(([key, item]) => `${scalar(key)}: ${flowOf(item)}`).join(", ")}}`;
  return scalar(value);
}

export function scalar(value) {
  if (typeof value !== "string") return String(value);
  if (PLAIN.test(value) && !WORDS.test(value)) return value;
  if (/^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ANY)(?:,[A-Z]+)* \/[^#:{}[\],'"\s]*$/.test(value)) return value;
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ud800-\udfff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
