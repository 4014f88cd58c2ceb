#include "http/nonces.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/sha256.h"

#define PROBES_MAX 32 /* places of a table that an entry may be in; a table is grown when all are taken */

struct nonce {
    uint8_t hash[16];
    int64_t until_s; /* 0: free */
};

struct share {
    struct nonce *table;
    size_t size; /* a power of two */
};

struct nonces {
    pthread_mutex_t lock;
    struct share shares[NONCES_SHARES];
};

struct nonces *nonces_new(void)
{
    struct nonces *nonces = calloc(1, sizeof(*nonces));
    if (nonces)
        pthread_mutex_init(&nonces->lock, NULL);
    return nonces;
}

void nonces_free(struct nonces *nonces)
{
    if (!nonces)
        return;
    for (size_t i = 0; i < NONCES_SHARES; i++)
        free(nonces->shares[i].table);
    pthread_mutex_destroy(&nonces->lock);
    free(nonces);
}

/* The place of this hash, or one that it may take; NULL: neither. */
static struct nonce *place_of(struct share *share, const uint8_t hash[16], int64_t now_s, bool *ret_found)
{
    uint64_t at;
    struct nonce *unused = NULL;
    memcpy(&at, hash, sizeof(at));
    *ret_found = false;
    for (size_t i = 0; i < PROBES_MAX && i < share->size; i++) {
        struct nonce *nonce = &share->table[(at + i) & (share->size - 1)];
        bool is_over = nonce->until_s < now_s;
        if (!is_over && memcmp(nonce->hash, hash, 16) == 0) {
            *ret_found = true;
            return nonce;
        }
        if (is_over && !unused)
            unused = nonce;
    }
    return unused;
}

/* Twice as large; false if it cannot be, and then it stays as it was. */
static bool grow(struct share *share, int64_t now_s)
{
    struct share larger = {.size = share->size ? share->size * 2 : NONCES_SHARE_MIN};
    if (larger.size > NONCES_SHARE_MAX)
        return false;
    larger.table = calloc(larger.size, sizeof(*larger.table));
    if (!larger.table)
        return false;
    for (size_t i = 0; i < share->size; i++) {
        bool found;
        if (share->table[i].until_s < now_s)
            continue;
        struct nonce *to = place_of(&larger, share->table[i].hash, now_s, &found);
        if (!to) { /* none that still counts is dropped */
            free(larger.table);
            return false;
        }
        *to = share->table[i];
    }
    free(share->table);
    *share = larger;
    return true;
}

int nonces_take(struct nonces *nonces, struct span origin, struct span nonce, int64_t now_s, int64_t until_s)
{
    struct sha256 sha;
    uint8_t who[32], hash[32];
    bool found = false;
    sha256_once(origin, who);
    sha256_init(&sha);
    sha256_add(&sha, span_of(who, sizeof(who)));
    sha256_add(&sha, nonce);
    sha256_end(&sha, hash);
    int rc = 0;
    pthread_mutex_lock(&nonces->lock);
    struct share *share = &nonces->shares[random_hash(origin) % NONCES_SHARES]; /* nobody chooses whose share he has */
    struct nonce *place = place_of(share, hash, now_s, &found);
    while (!place && grow(share, now_s))
        place = place_of(share, hash, now_s, &found);
    if (found) {
        rc = ERR_EXISTS;
    } else if (!place) {
        rc = ERR_LIMIT;
    } else {
        memcpy(place->hash, hash, sizeof(place->hash));
        place->until_s = until_s;
    }
    pthread_mutex_unlock(&nonces->lock);
    return rc;
}
