"""An output folder held against its record: every image, the journal, the manifest, and what else lies there."""
