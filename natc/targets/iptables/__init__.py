"""iptables-restore text, for iptables-nft and iptables-legacy alike."""
