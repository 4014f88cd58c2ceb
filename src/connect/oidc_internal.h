/* What oidc.c and oidc_flow.c share. */
#ifndef TONGZHOU_CONNECT_OIDC_INTERNAL_H
#define TONGZHOU_CONNECT_OIDC_INTERNAL_H

#include <pthread.h>

#include "connect/oidc.h"
#include "state/secret.h"

#define OIDC_USED_MAX 1024 /* sign-ins of the last ten minutes: 64 kB */

struct oidc_used {
    char state[53];
    int64_t expires_ms;
};

struct oidc {
    char issuer[IDENTITY_ISSUER_MAX + 1], client[256], base[OIDC_URL_MAX + 1], secret[SECRET_LINE_MAX + 1];
    uint8_t key[32]; /* of cookies' MACs */
    void (*tell)(void *ctx, const char *line);
    void *tell_ctx;

    pthread_mutex_t busy; /* held by the one thread that asks the provider: for the next two */
    struct buf keys;
    int64_t keys_ms; /* when they were fetched; 0: they were not */

    pthread_mutex_t lock; /* for what follows */
    struct oidc_provider provider;
    int64_t provider_until_ms, failed_until_ms; /* 0: not known; did not fail */
    struct oidc_used used[OIDC_USED_MAX];
};

#endif
