"""What `demos.mnist` is made of: where the digits come from, checkpoints, wishes and pictures."""
