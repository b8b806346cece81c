"""Why nothing shows up: looks into a process as it runs, and says in a line each what, so what, and what to do."""
