/* Looking at a node before it becomes a peer: what `peer add URL` shows to the person who decides. */
#ifndef TONGZHOU_CONNECT_PEERING_H
#define TONGZHOU_CONNECT_PEERING_H

#include "record/member.h"
#include "state/peers.h"

struct peering_found {
    char url[PEER_URL_MAX + 1];  /* canonical */
    char version[64];            /* of its program, escaped */
    char origin[ORIGIN_MAX + 1]; /* its operator's log */
    char fingerprint[96];        /* the origin's hash part in groups of four: what people compare by telephone */
    struct profile profile;      /* of entry 0, which fits the origin */
    uint64_t size;               /* of the operator's log as it says */
    bool size_verified;          /* signed by entry 0's key (false after a rotation: the pull will tell) */
    size_t logs;                 /* announced on the first page of /heads */
    bool more_logs;              /* and there are more */
};

/*
 * Ask URL who it is. Nothing is stored.
 * Errors: ERR_USAGE the address; ERR_NET; ERR_SYNTAX, ERR_VERIFY, ERR_LIMIT, ERR_REFUSED what it says is not what a node
 * says (no Tongzhou node at this address, a redirect, entry 0 does not fit).
 */
int peering_probe(struct span url, struct peering_found *ret, struct err *err);

/* What /node answers: {"operator":ORIGIN,"tongzhou":1,"version":"..."}, other members ignored. */
struct node_facts {
    char origin[ORIGIN_MAX + 1], version[64];
};
int node_facts_write(struct span origin, struct buf *out, struct err *err);
int node_facts_parse(struct span answer, struct node_facts *ret, struct err *err);

#define NODE_FACTS_MAX 4096 /* bytes of the answer */

#endif
