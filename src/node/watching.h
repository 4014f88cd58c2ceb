/*
 * What nobody tells, looked at now and then so that people are told (state/notices.h): peers that fail for long and are back,
 * roster versions that wait for this member's endorsement, a certificate that runs out, a disk that fills.
 *
 * Nothing is remembered but the notices themselves: what the newest one about a peer, a community or a certificate says is
 * what people know.
 */
#ifndef TONGZHOU_NODE_WATCHING_H
#define TONGZHOU_NODE_WATCHING_H

#include "index/index.h"

#define WATCHING_PEER_MS (INT64_C(3600) * 1000)          /* not reached for so long is worth telling */
#define WATCHING_CERTIFICATE_MS (INT64_C(30) * 86400000) /* good for less than that: told once a week, */
#define WATCHING_HURRY_MS (INT64_C(3) * 86400000)        /* then every day */
#define WATCHING_DISK_PART 20                            /* less than a 20th left, */
#define WATCHING_DISK_BYTES (UINT64_C(1) << 30)          /* or less than this, whichever is less */

struct watching {
    struct store *store;
    struct index *index;
    const char *tls_cert; /* PEM file, or NULL */
    int64_t now_ms;
    uint64_t disk_free, disk_all; /* bytes, of the disk where the folder is */
};

/* Fill in the disk's sizes. */
int watching_disk(struct watching *watching, struct err *err);

int watching_look(const struct watching *watching, struct err *err);

#endif
