"""Systems Manager: parameters, as moto keeps them."""
