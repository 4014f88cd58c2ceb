/*
 * Which signed requests were answered: none is answered twice. Bounded: each member has a share of the memory, so that none
 * keeps the others from being heard; a request is forgotten once it has expired, for then it is refused anyway.
 */
#ifndef TONGZHOU_HTTP_NONCES_H
#define TONGZHOU_HTTP_NONCES_H

#include "base/err.h"
#include "base/span.h"

#define NONCES_SHARES 16
#define NONCES_SHARE_MIN 1024
#define NONCES_SHARE_MAX 65536 /* requests of one share that have not expired: 546 a second if each lives two minutes */

struct nonces;

struct nonces *nonces_new(void); /* NULL: no memory */
void nonces_free(struct nonces *nonces);

/*
 * Remember this request until `until_s`. From any thread.
 * 0; ERR_EXISTS it was there; ERR_LIMIT its share is full.
 */
int nonces_take(struct nonces *nonces, struct span origin, struct span nonce, int64_t now_s, int64_t until_s);

#endif
