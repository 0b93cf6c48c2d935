"""Taking parts of a running twin away under load, and counting what that costs its consumers."""
