// A message, by Anthropic's SDK for Node with its two retries. Back-off from 0.5 s up, not to be shortened.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  apiKey: "sk-ant-gallery",
  baseURL: `${process.env.EXTERNAL_API_URL}/anthropic`,
  timeout: 1000,
});

try {
  const answer = await client.messages.create({
    model: "claude-opus-5",
    max_tokens: 64,
    messages: [{ role: "user", content: "Say hello." }],
  });
  const text = answer.content[0].text;
  if (text !== "Hello from the mock.") throw new Error(`another answer: ${text}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}
