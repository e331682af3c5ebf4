"""Logs, metrics and traces. Only `app` and the commands use it.

No candidate's name or address, key, token, document or variable gets here.
"""
