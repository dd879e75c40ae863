// Makes CALLS failing calls of payments.v1.Payments with a retry throttling: node budget.mjs ADDRESS PROTO NAMESPACE CALLS THROTTLING.
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [address, proto, namespace, calls, throttling] = process.argv.slice(2);
const definition = loader.loadSync(proto, { keepCase: true, longs: Number, enums: String });
const { Payments } = grpc.loadPackageDefinition(definition).payments.v1;
const retryPolicy = {
  maxAttempts: 3, initialBackoff: "0.01s", maxBackoff: "0.02s", backoffMultiplier: 2, retryableStatusCodes: ["UNAVAILABLE"],
};
const config = {
  loadBalancingConfig: [], methodConfig: [{ name: [{ service: "payments.v1.Payments" }], retryPolicy }], retryThrottling: JSON.parse(throttling),
};
const client = new Payments(address, grpc.credentials.createInsecure(), { "grpc.enable_retries": 1, "grpc.service_config": JSON.stringify(config) });
const metadata = new grpc.Metadata();
metadata.set("x-mockserver-namespace", namespace);
for (let amount = 1; amount <= Number(calls); amount += 1) {
  await new Promise((resolve) => client.Charge({ amount }, metadata, resolve));
}
client.close();
