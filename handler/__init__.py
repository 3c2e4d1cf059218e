"""From events to analyses and answers: the Lambda function, its storage, and the local server."""
