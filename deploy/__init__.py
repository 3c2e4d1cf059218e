"""Pack the deployment, and check that it will run in AWS Lambda."""
