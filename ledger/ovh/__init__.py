"""OVH's API as the ledger needs it: the port (`gateway`) and its adapter (`client`)."""
