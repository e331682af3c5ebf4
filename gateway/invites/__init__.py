"""The core: what an invite is and what a failure proves, without GraphQL or HTTP."""
