#include "base/sha1.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

void hmac_sha1(struct span key, struct span text, uint8_t out[SHA1_SIZE])
{
    unsigned len = 0;
    assert(key.len <= 64);
    const uint8_t *made = HMAC(EVP_sha1(), key.data, (int)key.len, text.data, text.len, out, &len);
    assert(made && len == SHA1_SIZE);
}
