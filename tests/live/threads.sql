SELECT
    SpanAttributes['session.id'] AS thread,
    anyIf(SpanAttributes['user.id'], SpanAttributes['user.id'] != '') AS user,
    uniqExact(TraceId) AS turns,
    count() AS spans,
    min(Timestamp) AS begun,
    max(Timestamp + toIntervalNanosecond(Duration)) AS ended
FROM otel_traces
WHERE SpanAttributes['session.id'] != ''
GROUP BY thread
ORDER BY begun
