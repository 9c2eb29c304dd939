"""An output folder compared with its record: every image, the journal, the manifest, and what else is there."""
