"""Reading applications, as the upstream lists them. Nothing here invites."""
