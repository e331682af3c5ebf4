"""The upstream over connections of our own."""
