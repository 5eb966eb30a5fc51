"""What the product is measured against. Each module is a program of its own; the product's packages are not used here."""
