// Real clients with fast retries, also of POST. Each posts JSON, and returns the JSON of the answer.
import axios from "axios";
import axiosRetry from "axios-retry";
import got from "got";
import { Agent, RetryAgent, request } from "undici";

const withRetries = axios.create();
axiosRetry(withRetries, {
  retries: 3,
  retryDelay: () => 10,
  retryCondition: (error) => axiosRetry.isNetworkError(error) || axiosRetry.isRetryableError(error),
});

const dispatcher = new RetryAgent(new Agent(), {
  maxRetries: 3,
  minTimeout: 10,
  methods: ["POST"],
  errorCodes: ["ECONNRESET", "UND_ERR_SOCKET"],
});

export const clients = {
  "axios-retry": async (url, json, headers = {}) => (await withRetries.post(url, json, { headers })).data,

  got: (url, json, headers = {}) =>
    got.post(url, { json, headers, retry: { limit: 3, methods: ["POST"], calculateDelay: ({ computedValue }) => computedValue && 10 } }).json(),

  undici: async (url, json, headers = {}) => {
    const answer = await request(url, {
      dispatcher,
      method: "POST",
      body: JSON.stringify(json),
      headers: { "content-type": "application/json", ...headers },
    });
    return answer.body.json();
  },
};
