"""What stands in for others in tests: one clock, one upstream, one inviter, one `settings`."""
