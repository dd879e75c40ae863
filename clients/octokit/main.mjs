// An issue, by octokit, whose retry plugin tries three times more. Its back-off of 1 s, 4 s, 9 s is shortened to a tenth. It has no
// time-out, so its fetch gets one.
import { Octokit } from "octokit";

const hub = new Octokit({
  auth: "ghp_gallery",
  baseUrl: `${process.env.EXTERNAL_API_URL}/github`,
  request: { fetch: (url, how) => fetch(url, { ...how, signal: AbortSignal.timeout(1000) }) },
  retry: { retryAfterBaseValue: 100 },
  log: { debug() {}, info() {}, warn() {}, error() {} },
});

try {
  const { data } = await hub.rest.issues.create({
    owner: "shop",
    repo: "orders",
    title: "Order 7 is late",
  });
  if (!data.number) throw new Error(`no number: ${JSON.stringify(data)}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}
