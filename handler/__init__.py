"""The web service that analyses uploaded videos, as an AWS Lambda function or on one machine."""
