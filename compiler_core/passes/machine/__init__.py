"""Parts of the bufferize pass: what becomes of a tensor, and the instructions that compute it."""
