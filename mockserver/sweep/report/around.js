// The head

const { budget } = report;
const cut = budget.planned < budget.possible ? `, ${budget.planned} of them run, sampled evenly` : "";
byId("budget").textContent =
  `${some(budget.tests, "test")}, ${some(budget.calls, "call")}, ${some(budget.troubles, "kind")} of trouble: ` +
  `${some(budget.possible, "cell")}${cut}${budget.pairs ? ` and ${some(budget.pairs, "pair")}` : ""}. ${report.seed ? `Seed “${report.seed}”` : "The tests' own seeds"}, mockserver ${report.mockserver}.`;
const counts = { ...report.verdicts, unreached: report.unreached.length };
for (const [verdict, [sign, words]] of Object.entries(VERDICTS)) {
  if (counts[verdict] || verdict in report.verdicts) {
    byId("verdicts").append(make("li", { className: verdict, text: `${sign} ${counts[verdict]} ${words}` }));
  }
  if (verdict !== "left_out" || cut) {
    byId("legend").append(
      make("div", {}, make("dt", { className: verdict, text: sign }), make("dd", { text: words })),
    );
  }
}
if (report.broken_rules) {
  const fails = report.fail_on.includes("rules");
  const words = `! ${some(report.broken_rules, "cell")} with a broken retry rule${fails ? "" : ", which does not fail this sweep"}`;
  byId("verdicts").append(make("li", { className: fails ? "harmed" : "left_out", text: words }));
}
byId("budget").textContent += report.failed ? " The sweep fails." : "";
byId("legend").append(make("div", {}, make("dt", { text: "!" }), make("dd", { text: "retry rule broken" })));

// What stands beside the grid

function listed(title, lines) {
  if (!lines.length) return;
  const list = make("ul", {}, ...lines.map((text) => make("li", { className: "mono", text })));
  byId("beside").append(make("details", { open: lines.length <= 10 }, make("summary", { text: `${title} (${lines.length})` }), list));
}
listed("Not swept", report.not_swept.map((one) => `${one.test}: ${one.why}`));
listed("Not reached", report.unreached.map((one) => `${one.test}/${named(one)}: ${one.why}`));
listed(
  "Calls without an effect: their cells can only survive or fail cleanly",
  report.tests.flatMap((test) => test.calls.filter((call) => !call.effects).map((call) => `${test.test}/${call.call}`)),
);
listed("Notes", report.tests.flatMap((test) => test.notes.map((note) => `${test.test}: ${note}`)));
