"""The core: invites, their outcomes and idempotency, without GraphQL or HTTP."""
