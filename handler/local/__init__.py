"""The API of the Lambda function on one machine, with a web server, SQLite and a directory."""
