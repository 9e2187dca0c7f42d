"""AEGIS-256 with a 256-bit tag, written out from draft-irtf-cfrg-aegis-aead (2.4, 4), AES round and all. Slow and plain."""
import struct

C0 = bytes.fromhex('000101020305080d1522375990e97962')
C1 = bytes.fromhex('db3d18556dc22ff12011314273b528dd')


def doubled(byte):
    return byte << 1 ^ (0x11b if byte & 0x80 else 0)


def times(a, b):
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = doubled(a), b >> 1
    return product


def substitute(byte):
    """SubBytes (FIPS 197, 5.1.1): the inverse in GF(2^8), then an affine map."""
    inverse = next((x for x in range(256) if times(byte, x) == 1), 0)
    turned = [inverse << n & 0xff | inverse >> 8 - n for n in range(5)]
    return turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4] ^ 0x63


SUBSTITUTED = [substitute(byte) for byte in range(256)]
DOUBLED = [doubled(byte) for byte in range(256)]


def xor(*blocks):
    first = bytes(blocks[0])
    for block in blocks[1:]:
        first = bytes(a ^ b for a, b in zip(first, block))
    return first


def aes_round(block, key):
    """SubBytes, ShiftRows, MixColumns, AddRoundKey (FIPS 197, 5.1)."""
    out = bytearray(16)
    for column in range(4):
        a, b, c, d = (SUBSTITUTED[block[(4 * (column + row) + row) % 16]] for row in range(4))
        whole = a ^ b ^ c ^ d
        for row, (this, following) in enumerate(((a, b), (b, c), (c, d), (d, a))):
            out[4 * column + row] = this ^ whole ^ DOUBLED[this ^ following]
    return xor(out, key)


class State:
    def __init__(self, key, nonce):
        k0, k1, n0, n1 = key[:16], key[16:], nonce[:16], nonce[16:]
        self.s = [xor(k0, n0), xor(k1, n1), C1, C0, xor(k0, C0), xor(k1, C1)]
        for _ in range(4):
            for block in (k0, k1, xor(k0, n0), xor(k1, n1)):
                self.update(block)

    def update(self, block):
        s = self.s
        self.s = [aes_round(s[5], xor(s[0], block))] + [aes_round(s[i - 1], s[i]) for i in range(1, 6)]

    def absorb(self, data):
        for at in range(0, len(data), 16):
            self.update(data[at:at + 16].ljust(16, b'\0'))

    def encrypt(self, text):
        out = b''
        for at in range(0, len(text), 16):
            block = text[at:at + 16].ljust(16, b'\0')
            s = self.s
            out += xor(block, s[1], s[4], s[5], bytes(a & b for a, b in zip(s[2], s[3])))
            self.update(block)
        return out[:len(text)]

    def tag(self, associated_size, text_size):
        last = xor(self.s[3], struct.pack('<QQ', associated_size * 8, text_size * 8))
        for _ in range(7):
            self.update(last)
        return xor(*self.s[:3]) + xor(*self.s[3:])


def sealed(key, nonce, text, associated):
    state = State(key, nonce)
    state.absorb(associated)
    cipher = state.encrypt(text)
    return cipher + state.tag(len(associated), len(text))


def self_test():
    """Test vectors 1 and 5 of the draft."""
    key, nonce = bytes.fromhex('1001').ljust(32, b'\0'), bytes.fromhex('100002').ljust(32, b'\0')
    assert sealed(key, nonce, bytes(16), b'').hex() == (
        '754fc3d8c973246dcc6d741412a4b2361181a1d18091082bf0266f66297d167d2e68b845f61a3b0527d31fc7b7b89f13')
    assert sealed(key, nonce, bytes(range(0x10, 0x38)), bytes(range(0x2a))).hex()[-64:] == (
        'a3aca270c006094d71c20e6910b5161c0826df233d08919a566ec2c05990f734')
