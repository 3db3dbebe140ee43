"""The service: gRPC and HTTP live here and nowhere else."""

import os

# gRPC's handlers around fork are for programs that go on with gRPC in the child. Here children
# only exec (`ucal watch --exec`), and a handler between fork and exec can kill them (seen with
# uvloop, 2026-11-25).
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
