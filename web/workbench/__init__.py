"""The map workbench: parts of the page /map that follow its selection."""
