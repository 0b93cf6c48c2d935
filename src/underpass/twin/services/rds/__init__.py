"""RDS on the twin: real PostgreSQL servers, each on an interface in a data subnet."""
