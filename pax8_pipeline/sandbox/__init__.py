"""An emulated Pax8 and an emulated Halo over real HTTP, with a synthetic world behind them and a clock that plays days.

Start with `world/world.py` (what exists), `world/scenario.py` (what happens in the demo) and `server/app.py` (how it is
served). `pax8` and `halo` are the two vendors, `faults` is what can fail in a connection, and `oracle` knows the right
result. Only the command line and tests may import this room. It imports nothing of the product but `text.jsontext` and
`web_guard`, so that neither side can depend on the other's habits.
"""
