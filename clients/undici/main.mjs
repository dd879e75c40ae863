// By undici's RetryAgent: a charge by PUT, as it does not retry POST unless it is told to; by POST with the argument post. Back-off from 0.1 s up.
import { Agent, RetryAgent, request } from "undici";

const key = crypto.randomUUID();
const post = process.argv.includes("post");
const dispatcher = new RetryAgent(new Agent({ headersTimeout: 1000, bodyTimeout: 1000 }), { maxRetries: 3, minTimeout: 100 });

try {
  const answer = await request(`${process.env.EXTERNAL_API_URL}/plain/charges${post ? "" : `/${key}`}`, {
    dispatcher,
    method: post ? "POST" : "PUT",
    body: JSON.stringify({ amount: 2000 }),
    headers: { "content-type": "application/json", "idempotency-key": key },
  });
  if (answer.statusCode >= 400) throw new Error(`answered ${answer.statusCode}`);
  const made = await answer.body.json();
  if (made.status !== "paid") throw new Error(`not paid: ${JSON.stringify(made)}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}
