// Serves the rules of a JSON file by mockttp. Arguments: FOLDER OF MOCKTTP, FILE, PORT.
const fs = require("node:fs");
const [folder, file, port] = process.argv.slice(2);
const mockttp = require(folder);

// With its length: without, mockttp closes the connection after an answer made by a function.
function answer(statusCode, json) {
  const body = json === null ? "" : JSON.stringify(json);
  return { statusCode, headers: { "content-type": "application/json", "content-length": `${body.length}` }, body };
}

async function main() {
  const server = mockttp.getLocal();
  await server.start(Number(port));
  for (const rule of JSON.parse(fs.readFileSync(file, "utf8"))) {
    const asked = rule.method === "POST" ? server.forPost(rule.path) : server.forGet(rule.path);
    if (rule.amount) {
      const [status, json] = rule.answers[0];
      await asked.thenCallback(async (request) =>
        answer(status, { ...json, amount: Number((await request.body.getFormData()).amount) }));
    } else if (rule.answers.length > 1) {
      let step = 0;
      await asked.thenCallback(() => answer(...rule.answers[step++ % rule.answers.length]));
    } else {
      const [status, json] = rule.answers[0];
      await (rule.kind === null ? asked : asked.withJsonBodyIncluding({ kind: rule.kind })).thenJson(status, json);
    }
  }
}

main();
