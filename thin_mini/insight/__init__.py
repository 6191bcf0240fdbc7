"""What a network knows: distances, routes through a tree, and every figure."""
