/*
 * How often somebody may fail to sign in: by address and by account, in bounded memory. Nobody is locked out: whoever waits
 * may try again, and what strangers try under a name does not slow it down where it has signed in from before.
 */
#ifndef TONGZHOU_HTTP_ATTEMPTS_H
#define TONGZHOU_HTTP_ATTEMPTS_H

#include "base/span.h"

#define ATTEMPTS_KEPT                                                                                                  \
    8192 /* addresses and accounts remembered: 192 kB; the ones that may go on soonest are forgotten */
#define ATTEMPTS_ADDRESS 10            /* failures from one address at once, */
#define ATTEMPTS_ADDRESS_EACH_MS 30000 /* and one more in so long */
#define ATTEMPTS_ACCOUNT 20            /* and under one name */
#define ATTEMPTS_ACCOUNT_EACH_MS 60000
#define ATTEMPTS_CODE 4 /* as many failures is a wrong code: 360 a day of three in a million */

struct attempts;

struct attempts *attempts_new(void); /* NULL: no memory */
void attempts_free(struct attempts *attempts);

struct attempt {
    const char *address; /* an IP address as text; of IPv6 the first 64 bits count */
    struct span name;    /* as typed */
    bool is_known;       /* the user has signed in from this address before */
    bool is_code;        /* the password was right: what fails is a guess at six digits */
    int64_t now_ms;      /* monotonic */
};

/* Milliseconds until this may be tried; 0: now. Any thread. */
int64_t attempts_wait_ms(struct attempts *attempts, const struct attempt *attempt);
void attempts_failed(struct attempts *attempts, const struct attempt *attempt);

/* How many failed, ever. */
uint64_t attempts_total(struct attempts *attempts);

#endif
