"""What a job is told: its runs, their specs, and the digests of the code behind them. Nothing here imports torch."""
