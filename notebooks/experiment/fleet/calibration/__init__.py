"""
Constants of the model, measured where they hold.

* ``probes``: the settings that show what nobody has published, measured from code as
  `20_fan_out` does it.
* ``estimators``: constants from the tables of such runs.
* ``file``: the calibration file, which the model prefers to `fleet.toml`.
"""
