"""Tables, class indices and padding: everything before the networks. Imports no Keras."""
