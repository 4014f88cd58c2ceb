#include "state/decrypt.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "record/age.h"
#include "state/internal.h"

struct decrypter {
    uint8_t (*secrets)[32];
    size_t count, cap;
    struct sha256 mark; /* over the public halves */
    struct store *store;
};

/* Never by realloc, which would leave a copy of the keys behind. */
static int grow(struct decrypter *d, struct err *err)
{
    size_t cap = d->cap ? 2 * d->cap : 16;
    uint8_t(*grown)[32] = calloc(cap, 32);
    if (!grown)
        return err_memory(err);
    if (d->count > 0) {
        memcpy(grown, d->secrets, d->count * 32);
        sodium_memzero(d->secrets, d->count * 32);
    }
    free(d->secrets);
    d->secrets = grown;
    d->cap = cap;
    return 0;
}

static int add_secret(struct decrypter *d, const uint8_t secret[32], struct err *err)
{
    uint8_t public_key[32];
    int rc = d->count == d->cap ? grow(d, err) : 0;
    if (rc)
        return rc;
    memcpy(d->secrets[d->count++], secret, 32);
    crypto_scalarmult_curve25519_base(public_key, secret);
    sha256_add(&d->mark, span_of(public_key, sizeof public_key));
    return 0;
}

static int add_member(void *ctx, const struct log_info *log, struct err *err)
{
    struct decrypter *d = ctx;
    struct keys keys;
    struct err missing = {0};
    if (log->role != LOG_OWN)
        return 0;
    int rc = keys_load(d->store->dir, span_str(log->origin), &keys, &missing);
    if (rc)
        return rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", missing.text);
    rc = add_secret(d, keys.encryption_seed, err);
    if (!rc && keys.has_others_next)
        rc = add_secret(d, keys.encryption_next, err);
    keys_wipe(&keys);
    return rc;
}

int decrypter_open(struct store *store, struct decrypter **ret, struct err *err)
{
    struct decrypter *d = calloc(1, sizeof *d);
    if (!d)
        return err_memory(err);
    d->store = store;
    sha256_init(&d->mark);
    int rc = store_logs(store, add_member, d, err);
    if (rc)
        decrypter_close(d);
    else
        *ret = d;
    return rc;
}

void decrypter_close(struct decrypter *d)
{
    if (d->secrets)
        sodium_memzero(d->secrets, d->cap * 32);
    free(d->secrets);
    free(d);
}

int64_t decrypter_mark(const struct decrypter *d)
{
    struct sha256 mark = d->mark;
    uint8_t hash[SHA256_SIZE];
    sha256_end(&mark, hash);
    return (int64_t)(be64_load(hash) >> 1 | 1);
}

int decrypter_age(const struct decrypter *d, struct span file, struct buf *out, struct err *err)
{
    int rc = ERR_NOTFOUND;
    size_t at = 0;
    do {
        size_t left = d->count - at, count = left < AGE_SECRETS_MAX ? left : AGE_SECRETS_MAX;
        rc = age_decrypt(file, d->count ? (const uint8_t(*)[32])(d->secrets + at) : NULL, count, out, err);
        at += count;
    } while (rc == ERR_NOTFOUND && at < d->count);
    return rc;
}
