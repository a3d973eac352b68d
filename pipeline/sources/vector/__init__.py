"""The source `vector`: roads from files that GDAL reads."""
