"""The demo's stage: a world of real contracts, a cast that borrows in it, a play of falling prices, a liar, and the truth beside it all."""
