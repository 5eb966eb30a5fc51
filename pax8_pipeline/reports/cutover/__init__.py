"""What leaving Halo's own Pax8 integration takes."""
