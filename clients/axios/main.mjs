// A charge, by axios as it comes, which has no retries, with a time-out of 1 s.
import axios from "axios";

try {
  const answer = await axios.post(
    `${process.env.EXTERNAL_API_URL}/plain/charges`,
    { amount: 2000 },
    { headers: { "idempotency-key": crypto.randomUUID() }, timeout: 1000 },
  );
  if (answer.data.status !== "paid") throw new Error(`not paid: ${answer.data}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}
