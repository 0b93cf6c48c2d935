"""The twin seen from the host: starting it, entering it, and deploying to it."""
