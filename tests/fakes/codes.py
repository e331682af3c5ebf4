"""The error codes in words short enough for tables."""

from __future__ import annotations

from gateway.invites.models import InviteErrorCode

INVALID = InviteErrorCode.INVALID_INPUT
NOT_FOUND = InviteErrorCode.TRACK_NOT_FOUND
ALREADY_INVITED = InviteErrorCode.ALREADY_INVITED
QUOTA = InviteErrorCode.INVITE_QUOTA_EXHAUSTED
LIMITED = InviteErrorCode.RATE_LIMITED
UNAUTHORIZED = InviteErrorCode.UPSTREAM_UNAUTHORIZED
UNAVAILABLE = InviteErrorCode.UPSTREAM_UNAVAILABLE
TIMEOUT = InviteErrorCode.UPSTREAM_TIMEOUT
FAULT = InviteErrorCode.UPSTREAM_FAULT
