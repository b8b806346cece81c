// Reads {"write": {name: id}, "read": {name: header}} and answers with what Node's propagator writes and reads.
const { defaultTextMapGetter, defaultTextMapSetter, propagation, ROOT_CONTEXT } = require('@opentelemetry/api');
const { W3CBaggagePropagator } = require('@opentelemetry/core');

const propagator = new W3CBaggagePropagator();

function write(id) {
  const carrier = {};
  const baggage = propagation.createBaggage({ 'session.id': { value: id } });
  propagator.inject(propagation.setBaggage(ROOT_CONTEXT, baggage), carrier, defaultTextMapSetter);
  return carrier.baggage ?? null;
}

function read(header) {
  const context = propagator.extract(ROOT_CONTEXT, { baggage: header }, defaultTextMapGetter);
  return propagation.getBaggage(context)?.getEntry('session.id')?.value ?? null;
}

const all = (of, found) => Object.fromEntries(Object.entries(found).map(([name, value]) => [name, of(value)]));
const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify({ written: all(write, given.write), read: all(read, given.read) }));
