"""Events to analyses to answers: the Lambda function, its storage, and the local server."""
