"""What we mend in instrumentations of clients, while we are on."""
