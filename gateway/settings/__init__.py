"""What an operator can set: values only."""
