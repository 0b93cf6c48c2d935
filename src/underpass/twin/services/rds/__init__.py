"""RDS on the twin: real PostgreSQL servers, each on an interface in a data subnet.

``Databases`` is the controller; ``load_seed`` fills a database once; ``available_versions`` and
``refusal`` tell, before anything is made, what the twin can run.
"""

from underpass.twin.services.rds.controller import Databases
from underpass.twin.services.rds.seed import Loaded, SeedError, load_seed
from underpass.twin.services.rds.versions import available_versions, refusal

__all__ = ["Databases", "Loaded", "SeedError", "available_versions", "load_seed", "refusal"]
