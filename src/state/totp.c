#include "state/totp.h"

#include <assert.h>
#include <sodium.h>

#include "base/codec.h"
#include "base/sha1.h"

/* RFC 4226 section 5.3. */
void totp_code(struct span secret, uint64_t step, unsigned digits, char out[9])
{
    uint8_t counter[8], mac[SHA1_SIZE];
    assert(digits >= 6 && digits <= 8 && secret.len > 0 && secret.len <= 64);
    for (int i = 0; i < 8; i++)
        counter[i] = (uint8_t)(step >> (56 - 8 * i));
    hmac_sha1(secret, span_of(counter, sizeof counter), mac);
    unsigned at = mac[19] & 15;
    uint32_t number = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 | (uint32_t)mac[at + 2] << 8 |
                      (uint32_t)mac[at + 3];
    out[digits] = '\0';
    for (unsigned i = digits; i > 0; number /= 10)
        out[--i] = (char)('0' + number % 10);
}

uint64_t totp_check(struct span secret, struct span code, int64_t now_ms, uint64_t used)
{
    uint64_t now = (uint64_t)now_ms / 1000 / TOTP_STEP_S, found = 0;
    char wanted[9];
    if (code.len != TOTP_DIGITS)
        return 0;
    for (uint64_t step = now - TOTP_OFF; step <= now + TOTP_OFF; step++) {
        totp_code(secret, step, TOTP_DIGITS, wanted);
        if (sodium_memcmp(wanted, code.data, TOTP_DIGITS) == 0 && step > used)
            found = step;
    }
    return found;
}

static void add_encoded(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (plain)
            buf_byte(out, c);
        else
            buf_fmt(out, "%%%02X", c);
    }
}

void totp_uri(struct span secret, struct span issuer, struct span user, struct buf *out)
{
    char text[BASE32_LEN(64) + 1];
    assert(secret.len <= 64);
    base32_encode(secret.data, secret.len, text);
    for (char *c = text; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c); /* as those programs read it */
    buf_str(out, "otpauth://totp/");
    add_encoded(out, issuer);
    buf_byte(out, ':');
    add_encoded(out, user);
    buf_fmt(out, "?secret=%s&issuer=", text);
    add_encoded(out, issuer);
    buf_fmt(out, "&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS, TOTP_STEP_S);
    sodium_memzero(text, sizeof text);
}
