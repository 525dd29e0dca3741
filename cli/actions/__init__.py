"""What joins a report with a command, without click: for the command line and the web alike."""
