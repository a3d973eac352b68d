"""Files, locks and paths, on disks and object stores."""
