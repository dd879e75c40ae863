// A chat completion, by OpenAI's SDK for Node with its two retries. Back-off from 0.5 s up, not to be shortened.
import OpenAI from "openai";

const client = new OpenAI({
  apiKey: "sk-gallery",
  baseURL: `${process.env.EXTERNAL_API_URL}/openai/v1`,
  timeout: 1000,
});

try {
  const answer = await client.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: "Say hello." }],
  });
  const text = answer.choices[0].message.content;
  if (text !== "Hello from the mock.") throw new Error(`another answer: ${text}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}
