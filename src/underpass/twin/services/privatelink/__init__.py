"""AWS PrivateLink: endpoint services, endpoints, connections, notifications."""
