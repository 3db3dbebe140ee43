"""Adapters: each speaks one vendor's API and answers in the contract's messages, never in gRPC."""
