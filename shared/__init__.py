"""What the functions share: the trip, its journey, and the services they act on."""
