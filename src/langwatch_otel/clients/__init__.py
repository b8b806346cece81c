"""What we mend in clients and in their instrumentations, while we are on."""
