"""Logs, metrics and traces. Only `app` and the commands use it.

Nothing in here is told a candidate's name or address, a key, a token, a document or a variable.
"""
