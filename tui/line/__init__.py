"""The command line as words: which verbs and options there are, how a line is read, the options of each tool."""
