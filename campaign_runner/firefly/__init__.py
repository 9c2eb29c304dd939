"""Adobe Firefly: what is said to the service, what its answers mean, and the one connection to it."""
