"""An emulated Pax8 and an emulated Halo over real HTTP, with a synthetic world behind them and a clock that plays days.

Begin at `world.py` (what there is), `scenario.py` (what happens in the demo) and `app.py` (how it is served);
`pax8_*.py` and `halo_*.py` are the two vendors, `faults*.py` what can go wrong on the wire. Only the command line and
tests may import this room; it imports nothing of the product but `errors` and `jsontext`, so that neither
side can lean on the other's habits.
"""
