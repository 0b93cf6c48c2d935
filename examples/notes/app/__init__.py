"""Notes: a small web application with a database, shared files and static assets of its own.

It learns from its environment where these are; underpass puts all of it there.
"""
