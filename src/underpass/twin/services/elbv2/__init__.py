"""Elastic Load Balancing: NLBs as kernel flows, ALBs as Envoy, target groups and their health."""
