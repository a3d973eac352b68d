"""Roads that stop at a border: ends, rules, pairs, gaps, links, gains, confidence."""
