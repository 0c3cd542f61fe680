"""Records brought to one month axis, unit and baseline period."""
