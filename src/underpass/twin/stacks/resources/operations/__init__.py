"""Logs, metrics, alarms, notifications and events."""
