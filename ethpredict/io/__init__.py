"""Reading and writing files: atomic, byte-stable, checked against their sidecar."""
