"""
A run as one page to send: ``report.html``, with nothing to fetch.

``page`` writes it: ``key_figures`` has its figures, ``reproduction`` its settings and
how to repeat it, ``notebook_html`` the notebook, which a run in JupyterLab has from its
``live_notebook``, ``pictures`` the charts, some of them to ``hover`` over.
``charts_from_tables`` draws them again, as ``redraw`` does for a notebook.
``runs_gallery`` is one page over all runs; ``run_comparison`` says what is between some
of them, ``comparison_charts`` draws it.
"""
