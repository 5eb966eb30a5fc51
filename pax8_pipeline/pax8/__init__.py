"""The Pax8 client. It cannot write."""
