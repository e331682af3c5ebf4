"""What is served to people and operators."""
