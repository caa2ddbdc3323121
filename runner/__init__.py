"""The program ``weibao``: runs the contract's procedures, keeps the evidence, writes the documents."""
