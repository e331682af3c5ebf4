"""What became of an invite: applications as the upstream lists them. Nothing here invites."""
