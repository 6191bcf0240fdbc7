"""What every room rests on: checks, kinds, devices, files of a run."""
