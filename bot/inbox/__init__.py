"""What is accepted, when it runs, and who runs it."""
