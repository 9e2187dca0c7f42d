#!/usr/bin/env python3
"""The handshake of suite hybrid a second time, written from common/protocol/HYBRID.md alone, and the vectors that it gives.

Hashes are Python's own; X25519, ML-KEM-768 and AEGIS-256 are those of libsodium's shared library, called through ctypes.
Usage: hybrid_handshake.py > hybrid.txt, or hybrid_handshake.py --check hybrid.txt. Ends with 77 where there is no libsodium 1.0.22.
"""
import ctypes
import ctypes.util
import hashlib
import hmac
import pathlib
import struct
import sys

CONSTRUCTION = b'Noise_IKhfs+psk2_25519+MLKEM768_AEGIS256_BLAKE2s'
IDENTIFIER = b'vpn hybrid v1'
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


# --- primitives ---------------------------------------------------------------------------------------------------------------

def find_libsodium():
    for name in [*map(str, sorted(ROOT.glob('.deps/libsodium-shared/libsodium.so*'))), ctypes.util.find_library('sodium')]:
        library = ctypes.CDLL(name) if name else None
        if library and hasattr(library, 'crypto_kem_mlkem768_seed_keypair') and library.sodium_init() >= 0:
            return library
    print('libsodium >= 1.0.22 is missing as a shared library: run scripts/setup', file=sys.stderr)
    return sys.exit(77)


SODIUM = find_libsodium()


def call(name, *arguments):
    """Integers are lengths: 64 bits."""
    converted = [ctypes.c_ulonglong(a) if isinstance(a, int) else a for a in arguments]
    if getattr(SODIUM, name)(*converted) != 0:
        raise ValueError(name + ' refused')


def clamped(key):
    return bytes([key[0] & 248]) + key[1:31] + bytes([key[31] & 127 | 64])


def public_of(private):
    out = ctypes.create_string_buffer(32)
    call('crypto_scalarmult_curve25519_base', out, private)
    return out.raw


def dh(private, public):
    out = ctypes.create_string_buffer(32)
    call('crypto_scalarmult_curve25519', out, private, public)
    return out.raw


def kem_pair(seed):
    public, private = ctypes.create_string_buffer(1184), ctypes.create_string_buffer(2400)
    call('crypto_kem_mlkem768_seed_keypair', public, private, seed)
    return public.raw, private.raw


def encapsulate(public, coins):
    ciphertext, secret = ctypes.create_string_buffer(1088), ctypes.create_string_buffer(32)
    call('crypto_kem_mlkem768_enc_deterministic', ciphertext, secret, public, coins)
    return ciphertext.raw, secret.raw


def decapsulate(private, ciphertext):
    secret = ctypes.create_string_buffer(32)
    call('crypto_kem_mlkem768_dec', secret, ciphertext, private)
    return secret.raw


def nonce(number):
    return bytes(24) + struct.pack('<Q', number)


def seal(key, number, text, associated):
    out = ctypes.create_string_buffer(len(text) + 32)
    call('crypto_aead_aegis256_encrypt', out, None, text, len(text), associated, len(associated), None, nonce(number), key)
    return out.raw


def unseal(key, number, sealed, associated):
    out = ctypes.create_string_buffer(len(sealed) - 32)
    call('crypto_aead_aegis256_decrypt', out, None, None, sealed, len(sealed), associated, len(associated), nonce(number), key)
    return out.raw


def hashed(*parts):
    return hashlib.blake2s(b''.join(parts)).digest()


def mac(key, message):
    return hashlib.blake2s(message, digest_size=16, key=key).digest()


def kdf(chain, material, count):
    extracted = hmac.new(chain, material, hashlib.blake2s).digest()
    outputs = [b'']
    for number in range(1, count + 1):
        outputs.append(hmac.new(extracted, outputs[-1] + bytes([number]), hashlib.blake2s).digest())
    return outputs[1:]


# --- the handshake ------------------------------------------------------------------------------------------------------------

class State:
    """C, h, k and n. `told` is called with each step's name and what it left."""

    def __init__(self, responder, told):
        self.told, self.k, self.n = told, None, 0
        self.c = hashed(CONSTRUCTION)
        self.h = hashed(hashed(self.c, IDENTIFIER), responder)
        told('start', C=self.c, h=self.h)

    def mix_key(self, material):
        self.c, self.k = kdf(self.c, material, 2)
        self.n = 0

    def ephemeral(self, name, public):
        self.h = hashed(self.h, public)
        self.mix_key(public)
        self.told(name, C=self.c, h=self.h)

    def agree(self, name, secret):
        self.mix_key(secret)
        self.told(name, secret=secret, C=self.c, k=self.k)

    def preshared(self, name, key):
        self.c, temporary, self.k = kdf(self.c, key, 3)
        self.h, self.n = hashed(self.h, temporary), 0
        self.told(name, C=self.c, h=self.h, k=self.k)

    def field(self, name, data, opening):
        """Seals `data`, or opens it; gives the other form."""
        other = (unseal if opening else seal)(self.k, self.n, data, self.h)
        self.h = hashed(self.h, data if opening else other)
        self.n += 1
        self.told(name, h=self.h)
        return other


def silent(*_, **__):
    pass


def with_macs(message, receiver, cookie):
    message += mac(hashed(b'mac1----', receiver), message)
    return message + (mac(cookie, message) if cookie else bytes(16))


def write_initiation(case, told):
    state = State(public_of(case['responder static private']), told)
    ephemeral = case['initiator ephemeral private']
    responder = public_of(case['responder static private'])
    kem_public, _ = kem_pair(case['initiator kem seed'])
    static = case['initiator static private']
    message = struct.pack('<I', 5) + case['initiator index'] + public_of(ephemeral)
    state.ephemeral('initiation e', public_of(ephemeral))
    state.agree('initiation es', dh(ephemeral, responder))
    message += state.field('initiation e1', kem_public, False)
    message += state.field('initiation s', public_of(static), False)
    state.agree('initiation ss', dh(static, responder))
    message += state.field('initiation timestamp', case['timestamp'], False)
    return with_macs(message, responder, case.get('cookie of the responder')), state


def read_initiation(message, private):
    """What the responder learns: state, ephemeral, KEM key, static key, timestamp."""
    assert len(message) == 1396 and message[:4] == struct.pack('<I', 5)
    assert message[1364:1380] == mac(hashed(b'mac1----', public_of(private)), message[:1364])
    state = State(public_of(private), silent)
    ephemeral = message[8:40]
    state.ephemeral('e', ephemeral)
    state.agree('es', dh(private, ephemeral))
    kem_public = state.field('e1', message[40:1256], True)
    static = state.field('s', message[1256:1320], True)
    state.agree('ss', dh(private, static))
    return state, ephemeral, kem_public, static, state.field('timestamp', message[1320:1364], True)


def write_response(case, opened, told):
    state, initiator_ephemeral, kem_public, initiator, _ = opened
    state.told = told
    ephemeral = case['responder ephemeral private']
    message = struct.pack('<I', 6) + case['responder index'] + case['initiator index'] + public_of(ephemeral)
    state.ephemeral('response e', public_of(ephemeral))
    state.agree('response ee', dh(ephemeral, initiator_ephemeral))
    ciphertext, secret = encapsulate(kem_public, case['responder kem coins'])
    message += state.field('response ekem1 ciphertext', ciphertext, False)
    state.agree('response ekem1', secret)
    state.agree('response se', dh(ephemeral, initiator))
    state.preshared('response psk', case['preshared key'])
    message += state.field('response empty', b'', False)
    return with_macs(message, initiator, case.get('cookie of the initiator')), state


def read_response(case, state, message):
    assert len(message) == 1228 and message[:4] == struct.pack('<I', 6) and message[8:12] == case['initiator index']
    state.told = silent
    theirs = message[12:44]
    state.ephemeral('e', theirs)
    state.agree('ee', dh(case['initiator ephemeral private'], theirs))
    ciphertext = state.field('ekem1 ciphertext', message[44:1164], True)
    state.agree('ekem1', decapsulate(kem_pair(case['initiator kem seed'])[1], ciphertext))
    state.agree('se', dh(case['initiator static private'], theirs))
    state.preshared('psk', case['preshared key'])
    assert state.field('empty', message[1164:1196], True) == b''
    return state


# --- vectors ------------------------------------------------------------------------------------------------------------------

def pattern(size, step, start):
    return bytes((i * step + start) & 255 for i in range(size))


def inputs(name, step):
    """Nothing up our sleeves: every secret is a pattern of its own."""
    return {'case': name,
            'initiator static private': clamped(pattern(32, step, 1)), 'responder static private': clamped(pattern(32, step, 2)),
            'initiator ephemeral private': clamped(pattern(32, step, 3)), 'initiator kem seed': pattern(64, step, 4),
            'responder ephemeral private': clamped(pattern(32, step, 5)), 'responder kem coins': pattern(32, step, 6),
            'initiator index': bytes.fromhex('04030201'), 'responder index': bytes.fromhex('08070605'),
            'timestamp': bytes.fromhex('4000000069a426ca00000000')}


def cases():
    yield {**inputs('with a preshared key', 5), 'preshared key': pattern(32, 5, 7)}
    yield {**inputs('without a preshared key, with cookies', 13), 'preshared key': bytes(32),
           'cookie of the responder': pattern(16, 13, 8), 'cookie of the initiator': pattern(16, 13, 9)}


def lines_of(case):
    lines = [f'\n[{case["case"]}]'] + [f'{name} = {value.hex()}' for name, value in case.items() if name != 'case']

    def told(step, **values):
        lines.extend(f'{step}: {name} = {value.hex()}' for name, value in values.items())

    lines.append(f'initiator static public = {public_of(case["initiator static private"]).hex()}')
    lines.append(f'responder static public = {public_of(case["responder static private"]).hex()}')
    lines.append(f'initiator kem public = {kem_pair(case["initiator kem seed"])[0].hex()}')
    initiation, initiator = write_initiation(case, told)
    lines.append(f'initiation = {initiation.hex()}')
    opened = read_initiation(initiation, case['responder static private'])
    assert opened[3:] == (public_of(case['initiator static private']), case['timestamp'])
    response, responder = write_response(case, opened, told)
    lines.append(f'response = {response.hex()}')
    initiator = read_response(case, initiator, response)
    assert (initiator.c, initiator.h) == (responder.c, responder.h)
    sending, receiving = kdf(initiator.c, b'', 2)
    lines += [f'initiator to responder = {sending.hex()}', f'responder to initiator = {receiving.hex()}']
    for sender, key, index in (('initiator', sending, 'responder index'), ('responder', receiving, 'initiator index')):
        for counter, size in ((0, 0), (1, 64), (2**32, 1420)):
            header = struct.pack('<I', 4) + case[index] + struct.pack('<Q', counter)
            lines.append(f'data of the {sender}, counter {counter}, {size} bytes = '
                         + (header + seal(key, counter, pattern(size, 7, 0), b'')).hex())
    return lines


def text():
    lines = ['# Vectors of suite hybrid (common/protocol/HYBRID.md), made by hybrid_handshake.py; not to be edited. All values are hex.',
             '# After each token: what it left of C, h and k. What data messages carry is byte i = 7 i mod 256, without padding.']
    for case in cases():
        lines += lines_of(case)
    return '\n'.join(lines) + '\n'


def main():
    if len(sys.argv) == 3 and sys.argv[1] == '--check':
        if pathlib.Path(sys.argv[2]).read_text(encoding='utf-8') != text():
            sys.exit(f'{sys.argv[2]} is not what hybrid_handshake.py makes')
    elif len(sys.argv) == 1:
        sys.stdout.write(text())
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
