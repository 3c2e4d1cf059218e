"""The API of the Lambda function on this machine: a directory, SQLite and a web server."""
