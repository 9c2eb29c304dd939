"""Tell someone who is not there that a campaign needs them: once for what is new, once a week for what stays wrong."""
