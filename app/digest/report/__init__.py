"""The report as it is read: from Sheets, Excel, CSV and S3, row by row, with the day that a date cell names."""
