"""What both emulated vendors share: the clock, credentials."""
