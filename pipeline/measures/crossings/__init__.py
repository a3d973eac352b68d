"""Roads that cross a border: crossings, their loads, bottlenecks."""
