/*
 * Signed tokens (RFC 7515) by libcjose. By itself: OpenSSL's headers, which libcjose's pull in, and base/err.h do not go
 * together.
 */
#ifndef TONGZHOU_CONNECT_JOSE_H
#define TONGZHOU_CONNECT_JOSE_H

#include <jansson.h>

#include "base/span.h"

#define JOSE_KEYS_MAX 64 /* of a set; the rest is not looked at */

enum jose_verdict {
    JOSE_GOOD,
    JOSE_FORM,      /* no token in compact form */
    JOSE_ALGORITHM, /* one that is not taken: none, or a shared secret's */
    JOSE_EXTENSION, /* one that has to be understood (section 4.1.11) */
    JOSE_NO_KEY,    /* none of the set has made it, or two may have */
    JOSE_KEY,       /* of another kind than the algorithm's, too short, or no key */
    JOSE_SIGNATURE, /* does not fit */
};

/*
 * Has a key of this JWK set signed it, with RSA (2,048 bits at least) or ECDSA?
 *   ret_text  on JOSE_GOOD what it says; free() it
 */
enum jose_verdict jose_verify(const json_t *keys, struct span token, uint8_t **ret_text, size_t *ret_len);
const char *jose_verdict_words(enum jose_verdict verdict);

#endif
