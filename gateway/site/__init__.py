"""Pages and probes for people and operators."""
