// Vercel's AI SDK: `experimental_telemetry` with metadata.
import { createOpenAI } from "@ai-sdk/openai";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const { THREAD, USER, MODEL, REFUSED_MODEL, SYSTEM, SAID, LABELS } = JSON.parse(process.env.CORPUS_SCRIPT);

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "corpus" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

const openai = createOpenAI({ apiKey: "none", baseURL: process.env.OPENAI_BASE_URL });
const experimental_telemetry = {
  isEnabled: true,
  functionId: "turn",
  metadata: { threadId: THREAD, sessionId: THREAD, userId: USER, labels: LABELS },
};
const common = { maxRetries: 0, system: SYSTEM, experimental_telemetry };
const tools = {
  weather: tool({
    description: "The weather in a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `In ${city}: 21 °C, sonnig.`,
  }),
};
const messages = [];

async function turn(said, answer) {
  messages.push({ role: "user", content: said });
  const { response } = await answer({ ...common, messages });
  messages.push(...(await response).messages);
}

const model = openai.chat(MODEL);
for (const said of SAID.slice(0, 2)) {
  await turn(said, (asked) => generateText({ ...asked, model, temperature: 0.5, maxOutputTokens: 100 }));
}
await turn(SAID[2], async (asked) => {
  const result = streamText({ ...asked, model });
  await result.consumeStream();
  return result;
});
await turn(SAID[3], (asked) => generateText({ ...asked, model, tools, stopWhen: stepCountIs(3) }));
await turn(SAID[4], (asked) => generateText({ ...asked, model: openai.chat(REFUSED_MODEL) })).catch(() => {});
await provider.shutdown();
