"""Documents: from sealed runs and the ledger to what people read and sign."""
