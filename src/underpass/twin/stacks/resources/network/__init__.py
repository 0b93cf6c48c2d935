"""VPCs and what is in them, and DNS."""
