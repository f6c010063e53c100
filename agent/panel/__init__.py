"""The panel: a generator drafts, reviewers judge, an adjudicator has a vote when it is close; one idea a file.

`runner.PanelRunner` is what tools are given. Nothing here writes a version.
"""
