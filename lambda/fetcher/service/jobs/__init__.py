"""
Jobs: more files than one execution can download, dealt out to several.

The state of a job is in its documents; see `fetcher.service.jobs.store`:

=======================  =========================================================
job                      what is to be done; written first, never changed
lists/DIGEST             its list, if it came with the request
claims/WORK-ATTEMPT      who began a piece of work, and by its age, when
plan                     how many URLs and slices; or why there can be none
slices/SLICE             the URLs of a slice
reports/SLICE-...        what an execution reports of a slice
results/SLICE-ROUND      which report counts; written once, whoever else comes late
done                     what the results of finished slices come to, so far
nudged                   by its age, when unfinished work was last sent for again
=======================  =========================================================

A slice is a stretch of the list that one execution takes. URLs that are `unstarted`
when its time is up are left to a further round of the slice. Slices are taken in lanes:
of three lanes the first has slices 0, 3, 6 and so on, one after the other. So there are
never more executions at once than lanes.

``self_invocation`` sends events, on which `fetcher.service.api` acts in a
``job_context``: a ``slice_plan`` is made, each ``slice_round`` downloaded, and the
``progress`` reported. ``abandoned_work_retry`` requests again what the ``results`` show
as abandoned. ``store`` keeps the ``stored_documents``.
"""
