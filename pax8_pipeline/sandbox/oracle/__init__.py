"""What a correct sync finds and writes. It never sees the product, and repeats its rules on purpose."""
