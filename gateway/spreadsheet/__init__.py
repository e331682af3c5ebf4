"""`gateway invite`: candidates from a spreadsheet."""
