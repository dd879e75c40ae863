import { MockServer } from "@mockserver-py/sdk";

export default async function () {
  const server = await MockServer.start({ scenarios: "scenarios" });
  process.env.MOCKSERVER_URL = server.url;
  return () => server.close();
}
