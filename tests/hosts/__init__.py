"""Tests on real parts: programs, kernels and captures, on hosts that are made for one test and gone after it."""
