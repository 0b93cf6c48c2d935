"""The twin: a local AWS region on one Linux machine, in which the packets really flow."""
