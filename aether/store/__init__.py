"""What outlives a request: bytes by their digest."""
