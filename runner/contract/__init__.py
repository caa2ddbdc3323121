"""What is owed: the contract, its people, its documents."""
