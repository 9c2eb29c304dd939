"""What survives a crash: files, SQLite, locks, and names that a disk takes."""
