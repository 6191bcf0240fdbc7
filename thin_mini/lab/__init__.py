"""The paper's experiments: worlds, recipes, runs, results and the ledger."""
