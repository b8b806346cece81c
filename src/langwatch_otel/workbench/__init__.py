"""Reading conversations: what arrives over OTLP, taken in and made ready to look at."""
