"""The region's API server: moto, started fast and answered in front of."""
