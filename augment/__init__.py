"""What changes the data that policies learn from: DreamTransfer, and metrics of its videos."""
