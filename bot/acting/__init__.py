"""What is asked and changed as the requester."""
