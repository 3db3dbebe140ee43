"""How fast, how small: ratios between contestants that run interleaved on one machine."""
