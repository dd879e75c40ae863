// By got with its two retries: a charge by PUT, as it does not retry POST; by POST with the argument post. Its back-off of 1 s and more is
// shortened to a tenth.
import got from "got";

const key = crypto.randomUUID();
const post = process.argv.includes("post");

try {
  const made = await got(`${process.env.EXTERNAL_API_URL}/plain/charges${post ? "" : `/${key}`}`, {
    method: post ? "POST" : "PUT",
    json: { amount: 2000 },
    headers: { "idempotency-key": key },
    timeout: { response: 1000 },
    retry: { calculateDelay: ({ computedValue, retryAfter }) => (retryAfter ? computedValue : computedValue / 10) },
  }).json();
  if (made.status !== "paid") throw new Error(`not paid: ${JSON.stringify(made)}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}
