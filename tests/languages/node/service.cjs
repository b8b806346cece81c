// A service with OpenTelemetry's own SDK and its stock baggage span processor, and nothing of ours.
// POST {"thread", "user", "next"}: where a thread is named it begins a conversation; then it calls `next`, if any.
const { context, propagation, trace } = require('@opentelemetry/api');
const { BaggageSpanProcessor } = require('@opentelemetry/baggage-span-processor');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');

const ids = (key) => key === 'session.id' || key === 'user.id';
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'other' }),
  spanProcessors: [new BaggageSpanProcessor(ids), new SimpleSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
const http = require('http');

function post(url, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    const call = http.request(url, { method: 'POST', headers }, (answer) => answer.resume().on('end', resolve));
    call.on('error', reject).end(JSON.stringify(body));
  });
}

async function serve(asked) {
  await trace.getTracer('other').startActiveSpan('work', async (span) => {
    if (asked.next) await post(asked.next, {});
    span.end();
  });
}

function begun(asked) {
  if (!asked.thread) return context.active();
  const entries = { 'session.id': { value: asked.thread }, 'user.id': { value: asked.user } };
  return propagation.setBaggage(context.active(), propagation.createBaggage(entries));
}

http
  .createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += piece));
    request.on('end', async () => {
      const asked = JSON.parse(body);
      await context.with(begun(asked), () => serve(asked));
      response.end();
    });
  })
  .listen(Number(process.env.PORT), '127.0.0.1');
