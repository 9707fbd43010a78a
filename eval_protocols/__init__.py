"""What is measured: protocols, the runner, statistics, results, reports."""
