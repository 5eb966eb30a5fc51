"""What a correct sync finds and writes. It imports nothing of the product and repeats its rules on purpose."""
