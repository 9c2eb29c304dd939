"""Requests to Firefly and its answers, without a socket: bytes in, values or errors out."""
