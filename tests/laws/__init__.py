"""Laws: properties that hold for every value, tried on random ones."""
