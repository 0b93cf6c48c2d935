"""underpass: a private way under the public road.

A container application on Amazon ECS, reached by other VPCs over AWS PrivateLink and by nobody else.
"""

__version__ = "0.1.0"
