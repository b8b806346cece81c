// A service with OpenTelemetry's own SDK and its stock baggage span processor, and nothing of ours.
// POST {"thread", "user", "next"}: where a thread is named it begins a conversation; then it calls `next`, if any.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/processors/baggagecopy"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
)

var client = http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}

type asked struct{ Thread, User, Next string }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func begun(ctx context.Context, body asked) context.Context {
	if body.Thread == "" {
		return ctx
	}
	thread := must(baggage.NewMemberRaw("session.id", body.Thread))
	user := must(baggage.NewMemberRaw("user.id", body.User))
	return baggage.ContextWithBaggage(ctx, must(baggage.New(thread, user)))
}

func serve(response http.ResponseWriter, request *http.Request) {
	var body asked
	if err := json.NewDecoder(request.Body).Decode(&body); err != nil {
		http.Error(response, "not JSON", http.StatusBadRequest)
		return
	}
	ctx, span := otel.Tracer("other").Start(begun(request.Context(), body), "work")
	defer span.End()
	if body.Next == "" {
		return
	}
	call := must(http.NewRequestWithContext(ctx, http.MethodPost, body.Next, bytes.NewBufferString("{}")))
	must(client.Do(call)).Body.Close()
}

func main() {
	exporter := must(otlptracehttp.New(context.Background()))
	ids := func(member baggage.Member) bool { return member.Key() == "session.id" || member.Key() == "user.id" }
	otel.SetTracerProvider(trace.NewTracerProvider(
		trace.WithResource(resource.NewSchemaless(semconv.ServiceName("other"))),
		trace.WithSpanProcessor(baggagecopy.NewSpanProcessor(ids)),
		trace.WithSyncer(exporter),
	))
	otel.SetTextMapPropagator(
		propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	handler := otelhttp.NewHandler(http.HandlerFunc(serve), "POST")
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler))
}
