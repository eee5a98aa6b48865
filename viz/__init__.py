"""Pictures of the chain rule."""
