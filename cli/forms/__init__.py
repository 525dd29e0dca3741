"""The forms of a report, one module each: for people, for scripts, for spreadsheets."""
