"""The themes of the metro page: what each packs, draws, lists and says."""
