"""Many machines, one record: PostgreSQL keeps the journal and the allowance, an object store the images.

Imported only where the fleet is asked for; its libraries are the extra `campaign-runner[fleet]`.
"""
