#include "http/attempts.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

#define PROBES 8    /* places of the table that a key may be in */
#define KEY_MAX 512 /* bytes of what a key is the hash of */

/* The leaky bucket as one number (GCRA, ITU-T I.371): when it will have run out. */
struct bucket {
    uint64_t key;
    int64_t empty_ms;
};

struct attempts {
    pthread_mutex_t lock;
    struct bucket table[ATTEMPTS_KEPT];
    uint64_t total;
};

struct attempts *attempts_new(void)
{
    struct attempts *attempts = calloc(1, sizeof(*attempts));
    if (attempts)
        pthread_mutex_init(&attempts->lock, NULL);
    return attempts;
}

void attempts_free(struct attempts *attempts)
{
    if (!attempts)
        return;
    pthread_mutex_destroy(&attempts->lock);
    free(attempts);
}

/* Whoever has an IPv6 network has 2^64 addresses. */
static void address_key(const char *address, char out[INET6_ADDRSTRLEN + 8])
{
    struct in6_addr v6;
    if (inet_pton(AF_INET6, address, &v6) == 1) {
        if (!IN6_IS_ADDR_V4MAPPED(&v6))
            memset(v6.s6_addr + 8, 0, 8);
        inet_ntop(AF_INET6, &v6, out, INET6_ADDRSTRLEN);
    } else {
        snprintf(out, INET6_ADDRSTRLEN, "%s", address);
    }
}

static uint64_t key_of(const char *what, struct span name, const char *address)
{
    char text[KEY_MAX];
    int len = snprintf(text, sizeof(text), "%s %s %.*s", what, address,
                       (int)(name.len < KEY_MAX / 2 ? name.len : KEY_MAX / 2), (const char *)name.data);
    return random_hash(span_of(text, (size_t)len)) | 1; /* 0: free */
}

struct keys {
    uint64_t address, account;
};

static struct keys keys_of(const struct attempt *attempt)
{
    char address[INET6_ADDRSTRLEN + 8];
    address_key(attempt->address, address);
    return (struct keys){key_of("address", SPAN_LIT(""), address),
                         key_of("account", attempt->name, attempt->is_known ? address : "")};
}

/* Its place, or the one of those that it may have which runs out first. */
static struct bucket *place_of(struct attempts *attempts, uint64_t key)
{
    struct bucket *best = NULL;
    for (size_t i = 0; i < PROBES; i++) {
        struct bucket *bucket = &attempts->table[(key + i) % ATTEMPTS_KEPT];
        if (bucket->key == key)
            return bucket;
        if (!best || bucket->empty_ms < best->empty_ms)
            best = bucket;
    }
    return best;
}

static int64_t wait_ms(struct attempts *attempts, uint64_t key, int64_t burst, int64_t each_ms, int64_t now_ms)
{
    const struct bucket *bucket = place_of(attempts, key);
    int64_t over_ms = bucket->key == key ? bucket->empty_ms - now_ms - (burst - 1) * each_ms : 0;
    return over_ms > 0 ? over_ms : 0;
}

static void add(struct attempts *attempts, uint64_t key, int64_t each_ms, int64_t now_ms)
{
    struct bucket *bucket = place_of(attempts, key);
    if (bucket->key != key || bucket->empty_ms < now_ms)
        *bucket = (struct bucket){key, now_ms};
    bucket->empty_ms += each_ms;
}

int64_t attempts_wait_ms(struct attempts *attempts, const struct attempt *attempt)
{
    struct keys keys = keys_of(attempt);
    pthread_mutex_lock(&attempts->lock);
    int64_t address_ms = wait_ms(attempts, keys.address, ATTEMPTS_ADDRESS, ATTEMPTS_ADDRESS_EACH_MS, attempt->now_ms);
    int64_t account_ms = wait_ms(attempts, keys.account, ATTEMPTS_ACCOUNT, ATTEMPTS_ACCOUNT_EACH_MS, attempt->now_ms);
    pthread_mutex_unlock(&attempts->lock);
    return address_ms > account_ms ? address_ms : account_ms;
}

void attempts_failed(struct attempts *attempts, const struct attempt *attempt)
{
    struct keys keys = keys_of(attempt);
    pthread_mutex_lock(&attempts->lock);
    add(attempts, keys.address, ATTEMPTS_ADDRESS_EACH_MS, attempt->now_ms);
    add(attempts, keys.account, ATTEMPTS_ACCOUNT_EACH_MS * (attempt->is_code ? ATTEMPTS_CODE : 1), attempt->now_ms);
    attempts->total++;
    pthread_mutex_unlock(&attempts->lock);
}

uint64_t attempts_total(struct attempts *attempts)
{
    pthread_mutex_lock(&attempts->lock);
    uint64_t total = attempts->total;
    pthread_mutex_unlock(&attempts->lock);
    return total;
}
