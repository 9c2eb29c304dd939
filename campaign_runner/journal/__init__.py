"""The durable record of what was asked for, accepted and stored.

Events are appended, never rewritten; the ledger is what they add up to, kept in
the same transaction. A fact is recorded only once it would survive a power cut.
Many callers share one commit.
"""
