"""What the networks depend on and what they hold: designed sweeps, ablations, probes and learning curves."""
