"""What people and machines read: progress, the report, the contact sheet, the next commands."""
