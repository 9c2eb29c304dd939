"""One image among all: by key, name, bytes or looks; and its history."""
