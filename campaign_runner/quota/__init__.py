"""The allowance of an account: a log of what was sent, shared by all processes of the machine."""
