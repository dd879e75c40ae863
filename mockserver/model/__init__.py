"""The words of the house: values that travel between rooms, and the specs that authors write."""
