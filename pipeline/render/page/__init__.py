"""What every page is made of: frame, map, style, words, numbers; and the metro page itself."""
