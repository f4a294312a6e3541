"""The wires and lowering: every case of the swap matrix, properties, readers, faults."""
