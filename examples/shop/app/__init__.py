"""The example shop: a web service, a worker, a job and a migration of one image."""
