"""Campaign files written, changed and compared: init, clone, retake, plan --diff."""
