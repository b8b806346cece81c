// Reads {"write": {name: id}, "read": {name: header}} and answers with what Go's propagator writes and reads.
package main

import (
	"context"
	"encoding/json"
	"os"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
)

var propagator = propagation.Baggage{}

func write(id string) *string {
	member, err := baggage.NewMemberRaw("session.id", id)
	if err != nil {
		return nil
	}
	said, err := baggage.New(member)
	if err != nil {
		return nil
	}
	carrier := propagation.MapCarrier{}
	propagator.Inject(baggage.ContextWithBaggage(context.Background(), said), carrier)
	return found(carrier["baggage"])
}

func read(header string) *string {
	came := propagator.Extract(context.Background(), propagation.MapCarrier{"baggage": header})
	return found(baggage.FromContext(came).Member("session.id").Value())
}

func found(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func all(of func(string) *string, given map[string]string) map[string]*string {
	answers := map[string]*string{}
	for name, value := range given {
		answers[name] = of(value)
	}
	return answers
}

func main() {
	var given struct{ Write, Read map[string]string }
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	answer := map[string]any{"written": all(write, given.Write), "read": all(read, given.Read)}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}
