"""One module per framework that we hook, each with on and off; nothing happens at import."""
