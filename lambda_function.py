"""`lambda_handler`, under the name by which the deployment guide configures the function."""

from handler.lambda_function import lambda_handler

__all__ = ["lambda_handler"]
