// A charge, by Stripe's SDK for Node with its two retries. Its host, port and protocol can be set, its path can't; an HTTP client of
// its own puts the mock's path in front. Back-off from 0.5 s up, not to be shortened.
import Stripe from "stripe";

const mock = new URL(`${process.env.EXTERNAL_API_URL}/stripe`);
const http = Stripe.createNodeHttpClient();
const send = http.makeRequest.bind(http);
http.makeRequest = (host, port, path, ...more) => send(host, port, mock.pathname + path, ...more);

const stripe = new Stripe("sk_test_gallery", {
  host: mock.hostname,
  port: mock.port,
  protocol: "http",
  httpClient: http,
  timeout: 1000,
  telemetry: false,
});

try {
  const charge = await stripe.charges.create({ amount: 2000, currency: "eur", source: "tok_visa" });
  if (!charge.paid) throw new Error(`not paid: ${charge}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}
