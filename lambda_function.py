"""The name by which the deployment guide configures the function's handler."""

from handler.lambda_function import lambda_handler

__all__ = ["lambda_handler"]
