"""What both emulated vendors share: the clock, credentials, the handling of switches."""
