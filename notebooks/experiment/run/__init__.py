"""
A plan carried out.

``fan_out`` sends it ``wave`` by wave, with ``progress`` shown; ``pilot`` finds how many
files it needs; ``resume`` finds what is left of a run; ``grid`` repeats fan-outs.
``machine_load`` and ``cpu_layers`` measure this machine meanwhile, and ``full_disk``
names what had no room.
"""
