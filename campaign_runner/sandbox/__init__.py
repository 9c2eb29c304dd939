"""A scriptable stand-in, lenient or strict, for Adobe's Firefly service, on loopback.

It is written from Adobe's Firefly API specification alone and imports nothing else
of this package, so that it cannot share a misreading with the client it examines.
"""
