// By axios-retry with its three retries and its exponential back-off: a charge, by POST, or with the arguments put and get a
// charge by PUT, the prices by GET. Its time-out of 1 s is one for all tries together, which is its default.
import axios from "axios";
import axiosRetry from "axios-retry";

const [method = "post"] = process.argv.slice(2);
const key = crypto.randomUUID();
const url = `${process.env.EXTERNAL_API_URL}/plain/${{ get: "prices", put: `charges/${key}`, post: "charges" }[method]}`;

axiosRetry(axios, { retries: 3, retryDelay: axiosRetry.exponentialDelay });

try {
  const sent = method === "get" ? {} : { data: { amount: 2000 }, headers: { "idempotency-key": key } };
  const { data } = await axios({ method, url, timeout: 1000, ...sent });
  if (method === "get" ? !data.data : data.status !== "paid") throw new Error(`another answer: ${data}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}
