"""
A plan carried out.

``fan_out`` goes ``wave`` by wave and shows its ``progress``; ``resume`` finds what is
left to do; ``grid`` runs many fan-outs as notebooks. ``machine_load`` and
``cpu_layers`` measure what a run takes of this machine.
"""
