"""What is wrong with a template, in AWS's own words where it has some."""

from __future__ import annotations


class TemplateError(Exception):
    """A template, or a value in it, that CloudFormation would refuse; the message says why."""
