"""The simulator: what one packet, or all packets, may come to."""
