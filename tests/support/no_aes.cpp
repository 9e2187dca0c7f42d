// A machine without instructions for AES, for the program that this is linked into: libsodium's own answers are weak symbols,
// and it asks them when it starts to choose how it computes AEGIS-256.
extern "C" {
int sodium_runtime_has_aesni();
int sodium_runtime_has_avx();
int sodium_runtime_has_armcrypto();
}

int sodium_runtime_has_aesni() { return 0; }
int sodium_runtime_has_avx() { return 0; }
int sodium_runtime_has_armcrypto() { return 0; }
