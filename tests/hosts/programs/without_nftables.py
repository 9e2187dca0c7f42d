"""Runs a program for which the kernel has no netfilter netlink: a seccomp filter refuses that family of sockets, as a kernel without it would."""

import ctypes
import errno
import os
import platform
import struct
import sys

SOCKET = {"x86_64": 41, "aarch64": 198}[platform.machine()]
AF_NETLINK, NETLINK_NETFILTER = 16, 12
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NUMBER, FIRST_ARGUMENT, THIRD_ARGUMENT = 0, 16, 32  # in the filter's view of a call
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2


def instruction(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


program = b"".join([instruction(LOAD, NUMBER), instruction(EQUAL, SOCKET, 0, 5),
                    instruction(LOAD, FIRST_ARGUMENT), instruction(EQUAL, AF_NETLINK, 0, 3),
                    instruction(LOAD, THIRD_ARGUMENT), instruction(EQUAL, NETLINK_NETFILTER, 0, 1),
                    instruction(RETURN, ERRNO | errno.EPROTONOSUPPORT), instruction(RETURN, ALLOW)])
buffer = ctypes.create_string_buffer(program)
descriptor = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
for call in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, MODE_FILTER, descriptor, 0, 0)):
    if libc.prctl(*call) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
os.execv(sys.argv[1], sys.argv[1:])
