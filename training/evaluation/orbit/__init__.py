"""An ORBIT tree and a method come in. The benchmark's answers go out: scores, cost, results.json as
the challenge takes it, the worst videos. Both protocols, as published. Trains nothing.
"""
