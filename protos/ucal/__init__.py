"""The ucal contract's generated Python."""
