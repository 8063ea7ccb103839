"""What `tripcanvas check` asks of a deployment's services: one module per service, and the run that asks them all."""
