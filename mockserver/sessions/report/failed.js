// What a failed test's mock server saw. `report`, `make` and `timeline` are of the scripts before this one.

document.title = `Failed: ${report.test}`;
byId("test").textContent = report.test;
byId("about").textContent = `${some(report.total, "call")} to ${report.url}, mockserver ${report.mockserver}`;

function part(title, ...children) {
  if (children.length) byId("parts").append(make("section", {}, make("h2", { text: title }), ...children));
}

function facts(rows) {
  const shown = rows.filter(([, text]) => text !== null && text !== undefined && text !== "" && text !== "none");
  return make("dl", { className: "facts" }, ...shown.flatMap(([name, text]) => [make("dt", { text: name }), make("dd", { text: String(text) })]));
}

const listed = (value) => (Array.isArray(value) ? value.join(", ") : value);

function operation(one, index) {
  const about = one.about;
  const title = `Operation ${index + 1}: ${about.route}, ${some(about.attempts, "attempt")}`;
  return make(
    "div",
    {},
    make("h3", { text: title }),
    facts([
      ["idempotency key", about.key],
      ["Retry-After", about.retry_after],
      ["ended", about.final],
      ["overlap", about.overlap ? "yes" : ""],
      ["changed", listed(about.changed)],
      ["certain", about.certain === false ? "no" : ""],
      ["why", about.why],
      ["settled by", about.by],
      ["repeats", about.repeats === undefined || about.repeats === null ? "" : `operation ${about.repeats}`],
      ["left out", listed(about.left_out)],
    ]),
    ...timeline(one.timeline),
  );
}

const body = (view) => view.text ?? (view.base64 ? `${view.length} bytes, base64:\n${view.base64}` : "");

function message(title, lines, view) {
  const text = [...lines.map(([name, value]) => `${name}: ${value}`), "", body(view)].join("\n").trim();
  return make("div", {}, make("h3", { text: title }), make("pre", { text, tabIndex: 0 }));
}

function call(one) {
  const head = `${one.after}  ${one.request.method} ${one.request.path}  ${one.status}  ${one.became}`;
  const details = make("details", {}, make("summary", { className: "mono", text: head }));
  details.append(message("Request", one.request.headers, one.request.body));
  if (one.reply) details.append(message(`Answer ${one.reply.status}`, one.reply.headers, one.reply.body));
  if (one.suggestion) details.append(make("h3", { text: "A matching route" }), make("pre", { text: one.suggestion, tabIndex: 0 }));
  return details;
}

function webhook(one) {
  const attempts = one.attempts.map((sent) => make("li", { className: "mono", text: `${sent.after}  ${sent.answer}` }));
  return make("div", {}, make("h3", { text: `${one.request}: ${one.outcome}` }), make("p", { className: "faint", text: one.of }), make("ul", {}, ...attempts), one.body ? make("pre", { text: one.body, tabIndex: 0 }) : null);
}

part("Message of the test", ...(report.error ? [make("pre", { className: "command", text: report.error, tabIndex: 0 })] : []));
part("Attempts", ...report.operations.map(operation));
part("Calls", ...report.calls.map(call));
part("Webhooks", ...report.webhooks.map(webhook));
part("What happened at the service (effects)", ...report.effects.map((one) => make("pre", { text: JSON.stringify(one), tabIndex: 0 })));
part("Violations of the contract", ...report.violations.map((one) => make("p", { className: "mono", text: one })));
if (!report.calls.length) part("Calls", make("p", { text: "No calls." }));
