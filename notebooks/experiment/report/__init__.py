"""
A run as one page to send: ``report.html``, with nothing to fetch.

``page`` writes it: the ``key_figures``, the ``reproduction``, which is settings and how
to repeat the run, ``notebook_html`` the notebook, which a run in JupyterLab has from
its ``live_notebook``, ``pictures`` the charts, some of them to ``hover`` over.
``charts_from_tables`` draws them again, as ``redraw`` does for a notebook.
``runs_gallery`` is one page over all runs; ``run_comparison`` says what is between some
of them, ``comparison_charts`` draws it.
"""
