"""What many workers gain: a model on paper, measured points beside it, and a look ahead."""
