"""The service: gRPC and HTTP live here and nowhere else."""
