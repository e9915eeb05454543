"""What natc writes for each policy in policies/, read by a person and kept."""
