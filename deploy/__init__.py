"""What is deployed: packing, and checks that it will run in AWS Lambda."""
