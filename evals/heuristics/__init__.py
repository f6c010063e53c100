"""What rules reach without a model, suite by suite: one module each, with submission(folder, task).

It knows the files and the task that every agent is given; no generator and no truth. None was tuned on instances that are
scored. `tilth.evals.agents.heuristic` runs them.
"""
