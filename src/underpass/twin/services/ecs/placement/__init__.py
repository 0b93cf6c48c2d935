"""Where tasks go, and what is asked of a capacity provider when there is no room."""
