"""
A plan carried out.

``pilot`` finds how many files it needs; ``fan_out`` sends it ``wave`` by wave; each
``sent_shard`` is answered, or late. ``gone_host_sharing`` tells later ones;
``progress`` shows what is done. ``unfinished_urls`` are those for the next wave;
``resume`` finds what is left of a run; ``grid`` repeats fan-outs, through
``notebook_execution``, each of as many files as ``grid_file_counts`` decides;
``interruption`` ends either when somebody interrupts it. ``machine_load`` and
``cpu_layer_benchmark`` measure this machine meanwhile.
"""
