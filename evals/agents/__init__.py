"""The built-in agents, one module each: `NAME.py` exports `agent(setting: registry.Setting) -> suite.Agent`.

`known` holds the four that every suite answers for: nothing, random, oracle, sprayer.
"""
