"""What every procedure that changes hosts shares: the gate's decision, the hold on a host, its probes, its steps."""
