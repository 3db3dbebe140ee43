"""`python -m server`: the service, configured by UCAL_CONFIG and UCAL_*."""

from server.cli.serve import serve

if __name__ == "__main__":
    serve(prog_name="python -m server")
