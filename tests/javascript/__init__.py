"""Programs for node that tests run: the modules that browsers load, without a browser."""
