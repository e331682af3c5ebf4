"""Where records of keyed invites are kept."""
