"""What `gateway` does, a module for each command."""
