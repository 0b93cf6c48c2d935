"""The add-ons: templates of the user's own, and what tasks get of them."""
