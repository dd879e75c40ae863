// Calls payments.v1.Payments with @grpc/grpc-js: node client.mjs ADDRESS PROTO NAMESPACE; prints what it got as JSON.
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [address, proto, namespace] = process.argv.slice(2);
const definition = loader.loadSync(proto, { keepCase: true, longs: Number, enums: String });
const { Payments } = grpc.loadPackageDefinition(definition).payments.v1;
const retryPolicy = {
  maxAttempts: 5, initialBackoff: "0.02s", maxBackoff: "0.1s", backoffMultiplier: 2, retryableStatusCodes: ["UNAVAILABLE"],
};
const config = { loadBalancingConfig: [], methodConfig: [{ name: [{ service: "payments.v1.Payments" }], retryPolicy }] };
const client = new Payments(address, grpc.credentials.createInsecure(), {
  "grpc.enable_retries": 1, "grpc.service_config": JSON.stringify(config),
});
const metadata = new grpc.Metadata();
metadata.set("x-mockserver-namespace", namespace);

const unary = (message, options = {}) => new Promise((resolve) => {
  client.Charge(message, metadata, options, (error, reply) => resolve(error ? { code: grpc.status[error.code], details: error.details } : reply));
});
const collected = (stream) => new Promise((resolve) => {
  const messages = [];
  stream.on("data", (message) => messages.push(message));
  stream.on("error", () => {});
  stream.on("status", (status) => resolve({ messages, code: grpc.status[status.code], trailers: status.metadata.getMap() }));
});

const charge = await unary({ amount: 42 });
const refused = await unary({ amount: 1 });
const late = await unary({ amount: 2 }, { deadline: Date.now() + 200 });
const watch = await collected(client.Watch({ order_id: "o" }, metadata));
const upload = await new Promise((resolve) => {
  const stream = client.Upload(metadata, (error, reply) => resolve(error ?? reply));
  for (const amount of [1, 2, 3]) stream.write({ amount });
  stream.end();
});
const talk = client.Chat(metadata);
const talked = collected(talk);
for (const text of ["a", "b"]) talk.write({ text });
talk.end();
console.log(JSON.stringify({ charge, refused, late, watch, upload, chat: await talked }));
client.close();
