"""Checkpoints: half of one is never taken for a whole, and verifying one never loads it.

    CHECKPOINTS/
      step-00000500/            published: a rename put it here once every byte was on disk
        …                       the training script's own files
        trainstop.json          the manifest: size and SHA-256 of each of them
      .saving-step-00001000/    a save under way, or one that was killed; never looked at as a checkpoint
      .removing-step-00000100/  a removal under way, or one that was killed

Standard library only: the training process imports this to save, the server to verify.
"""
