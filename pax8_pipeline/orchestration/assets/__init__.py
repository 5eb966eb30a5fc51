"""The Dagster assets, thin: each calls one thing of extract, warehouse or billing and shows what came out."""
