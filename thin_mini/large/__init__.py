"""Long runs on photographs: the loop's further parts, weights, runs as folders."""
