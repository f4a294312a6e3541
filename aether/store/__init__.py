"""What outlives the process: conversations, bytes by their digest, the account of a shared link."""
