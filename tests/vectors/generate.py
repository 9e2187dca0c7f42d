#!/usr/bin/env python3
"""Makes reference.hpp: what implementations other than ours say of BLAKE2s, HMAC, HKDF, ChaCha20-Poly1305 and AEGIS-256.

BLAKE2s and HMAC are Python's own; ChaCha20-Poly1305 is written out below from RFC 8439, AEGIS-256 in aegis256.py.
Usage: generate.py > reference.hpp, or generate.py --check reference.hpp
"""
import hashlib
import hmac
import struct
import sys

import aegis256

LENGTHS = (0, 1, 2, 15, 16, 31, 32, 33, 55, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000, 1420, 1500)
COUNTERS = (0, 1, 2, 255, 256, 2**31, 2**32 - 1, 2**32, 2**60, 2**63, 2**64 - 2**13 - 1, 2**64 - 1, 0x0807060504030201)


def pattern(size, step, start):
    return bytes((i * step + start) & 255 for i in range(size))


def keyed(key, message):
    return hashlib.blake2s(message, digest_size=16, key=key).hexdigest()


def mac(key, message):
    return hmac.new(key, message, hashlib.blake2s).digest()


def hkdf(chain, material, count):
    extracted = mac(chain, material)
    outputs, previous = [], b''
    for number in range(1, count + 1):
        previous = mac(extracted, previous + bytes([number]))
        outputs.append(previous)
    return outputs


def rotated(value, by):
    return (value << by | value >> (32 - by)) & 0xffffffff


def quarter(s, a, b, c, d):
    for first, second, third, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[first] = (s[first] + s[second]) & 0xffffffff
        s[third] = rotated(s[third] ^ s[first], by)


def chacha20_block(key, block, nonce):
    start = list(struct.unpack('<16I', b'expand 32-byte k' + key + struct.pack('<I', block) + nonce))
    state = start[:]
    for _ in range(10):
        for column in range(4):
            quarter(state, column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(state, column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return struct.pack('<16I', *((a + b) & 0xffffffff for a, b in zip(state, start)))


def chacha20(key, nonce, text):
    stream = b''.join(chacha20_block(key, 1 + i, nonce) for i in range((len(text) + 63) // 64))
    return bytes(a ^ b for a, b in zip(text, stream))


def poly1305(key, message):
    r = int.from_bytes(key[:16], 'little') & 0x0ffffffc0ffffffc0ffffffc0fffffff
    s = int.from_bytes(key[16:], 'little')
    sum_ = 0
    for at in range(0, len(message), 16):
        sum_ = (sum_ + int.from_bytes(message[at:at + 16] + b'\1', 'little')) * r % (2**130 - 5)
    return ((sum_ + s) % 2**128).to_bytes(16, 'little')


def padded(data):
    return data + bytes(-len(data) % 16)


def sealed(key, nonce, text, associated):
    cipher = chacha20(key, nonce, text)
    lengths = struct.pack('<QQ', len(associated), len(cipher))
    return cipher + poly1305(chacha20_block(key, 0, nonce)[:32], padded(associated) + padded(cipher) + lengths)


def self_test():
    """RFC 8439, 2.8.2, and the vectors of the AEGIS draft."""
    aegis256.self_test()
    text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    out = sealed(bytes(range(0x80, 0xa0)), bytes.fromhex('070000004041424344454647'), text, bytes.fromhex('50515253c0c1c2c3c4c5c6c7'))
    assert out[-16:].hex() == '1ae10b594f09e26a7e902ecbd0600691', 'our ChaCha20-Poly1305 is wrong'


def aead_rows():
    for i, counter in enumerate(COUNTERS):
        for length, associated in ((0, 0), (32, 32), (12, 32), (LENGTHS[i], 0), (LENGTHS[-1 - i], i)):
            nonce = bytes(4) + struct.pack('<Q', counter)
            out = sealed(pattern(32, 11, i), nonce, pattern(length, 7, i), pattern(associated, 5, i))
            yield f'{{{counter}U, {i}, {length}, {associated}, "{out[-16:].hex()}"}}'


def aegis_rows():
    for i, counter in enumerate(COUNTERS):
        for length, associated in ((1184, 32), (LENGTHS[i], 0), (LENGTHS[-1 - i], i)):
            nonce = bytes(24) + struct.pack('<Q', counter)
            out = aegis256.sealed(pattern(32, 11, i), nonce, pattern(length, 7, i), pattern(associated, 5, i))
            yield f'{{{counter}U, {i}, {length}, {associated}, "{out[-32:].hex()}"}}'


def keyed_rows():
    for length in LENGTHS:
        for key in (1, 16, 31, 32):
            yield f'{{{key}, {length}, "{keyed(pattern(key, 3, 1), pattern(length, 7, length & 255))}"}}'


def hash_rows():
    for length in LENGTHS:
        yield f'{{0, {length}, "{hashlib.blake2s(pattern(length, 7, length & 255)).hexdigest()}"}}'


def hmac_rows():
    for length in LENGTHS:
        for key in (0, 1, 32, 63, 64, 65, 200):
            yield f'{{{key}, {length}, "{mac(pattern(key, 3, 1), pattern(length, 7, length & 255)).hex()}"}}'


def hkdf_rows():
    for length in (0, 1, 12, 32, 64, 65):
        outputs = ', '.join(f'"{output.hex()}"' for output in hkdf(pattern(32, 3, length), pattern(length, 7, 9), 3))
        yield f'{{{length}, {{{outputs}}}}}'


def table(comment, kind, name, rows):
    body = ''.join(f'    {row},\n' for row in rows)
    return f'/// {comment}\ninline constexpr {kind} {name}[] = {{\n{body}}};\n\n'


def header():
    return '''// Made by generate.py from Python's hashlib and hmac, and from RFC 8439 and the AEGIS draft written out; not to be edited.
// All inputs are `pattern(size, step, start)` of tests/vectors/hex.hpp.
// clang-format off
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vpn::vectors {

struct Digest { std::size_t key_size; std::size_t size; std::string_view digest; };
struct Expansion { std::size_t size; std::array<std::string_view, 3> outputs; };
struct Sealed { std::uint64_t counter; unsigned start; std::size_t size; std::size_t associated_size; std::string_view tag; };

''' + (table('BLAKE2s-256 of pattern(size, 7, size).', 'Digest', 'blake2s_hashes', hash_rows())
       + table('BLAKE2s-128 keyed with pattern(key_size, 3, 1), of pattern(size, 7, size).', 'Digest', 'blake2s_macs', keyed_rows())
       + table('HMAC-BLAKE2s-256 with key pattern(key_size, 3, 1), of pattern(size, 7, size).', 'Digest', 'hmacs', hmac_rows())
       + table('HKDF-BLAKE2s with chaining key pattern(32, 3, size), of pattern(size, 7, 9).', 'Expansion', 'expansions', hkdf_rows())
       + table('ChaCha20-Poly1305: key pattern(32, 11, start), text pattern(size, 7, start), associated pattern(.., 5, start).',
               'Sealed', 'sealed_texts', aead_rows())
       + table('AEGIS-256, likewise.', 'Sealed', 'aegis_sealed_texts', aegis_rows())) + '} // namespace vpn::vectors\n'


def main():
    self_test()
    if len(sys.argv) == 3 and sys.argv[1] == '--check':
        with open(sys.argv[2], encoding='utf-8') as file:
            if file.read() != header():
                sys.exit(f'{sys.argv[2]} is not what generate.py makes')
    elif len(sys.argv) == 1:
        sys.stdout.write(header())
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
