"""PrivateLink: endpoint services, endpoints, connections, notifications; moto lacks most of it."""
