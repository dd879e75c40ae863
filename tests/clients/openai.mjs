// What OpenAI's SDK for Node gets from scenarios/providers/openai.yaml, as one JSON text.
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "any", baseURL: `${process.env.MOCK_URL}/openai/v1`, timeout: 10_000 });
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const model = "gpt-4o-mini";

const asked = [{ role: "user", content: "How is the weather?" }];
const tools = [{ type: "function", function: { name: "forecast", parameters } }];
const chat = client.chat.completions.stream({ model, messages: asked, tools });
const [call] = (await chat.finalMessage()).tool_calls;
const said = { role: "assistant", content: null, tool_calls: [call] };
const result = { role: "tool", tool_call_id: call.id, content: "rain" };
const done = await client.chat.completions.create({ model, messages: [...asked, said, result], tools });

const response = client.responses.stream({ model, input: "How is it?", tools: [{ type: "function", name: "forecast", parameters }] });
const [item] = (await response.finalResponse()).output;

const [one, two] = (await client.embeddings.create({ model: "text-embedding-3-small", input: ["one", "two"] })).data;
const retried = await client.responses.create({ model: `${model}-limited-overloaded`, input: "Hello" });

let broken = null;
try {
  for await (const _ of await client.chat.completions.create({ model: `${model}-cut`, messages: asked, stream: true }));
} catch (error) {
  broken = error.constructor.name;
}

console.log(
  JSON.stringify({
    chat: [call.function.name, call.function.arguments, done.choices[0].message.content, done.usage.total_tokens],
    response: [item.type, item.name, item.arguments],
    embedding: [one.embedding.length, two.embedding[0] !== undefined, Math.abs(one.embedding[0]).toFixed(4)],
    retried: retried.output_text,
    broken,
  }),
);
