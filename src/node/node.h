/*
 * The running node: who runs what, and nothing else.
 *
 *   main thread   signals
 *   HTTP pool     requests; each with handles of its own (http/server.h)
 *   sync          start check, then pulling from peers
 *   index         folds what is new, scrubs what was erased, keeps the sweep set fresh
 *   feeds         fetches feeds when they are due
 *   notices       looks at what people should be told, and tells those outside
 *
 * Threads share nothing but the folder, a stop flag and wake-ups; SQLite's lock decides who writes. A thread whose store
 * fails (disk full, failed sync) ends the node: what was acknowledged is safe, and going on would pretend.
 */
#ifndef TONGZHOU_NODE_NODE_H
#define TONGZHOU_NODE_NODE_H

#include "base/err.h"
#include "base/span.h"
#include "sandbox/sandbox.h"

struct node_options {
    const char *dir;
    const char *const *endpoints; /* where others reach it, beside what profiles say */
    size_t endpoint_count;
    const char *listen;             /* "127.0.0.1:8440" */
    bool alone;                     /* no start check */
    const char *tls_cert, *tls_key; /* PEM files, read again on SIGHUP; or NULL */
    const char *trust_proxy;        /* HEADER@ADDRESS, or NULL: http/server.h */
    bool insecure_sign_in;
    enum sandbox_want sandbox;
    const uint16_t *ports; /* TCP ports to connect to; with port_count 0 any */
    size_t port_count;
    const char *oidc_issuer, *oidc_client,
        *oidc_base; /* connect/oidc.h; issuer NULL: none; base NULL: where it listens */
    /* What people should know, one line each, without a newline. */
    void (*tell)(void *ctx, const char *line);
    /* Ready: the address that pages and peers use. */
    void (*ready)(void *ctx, const char *url);
    void *ctx;
};

/* Runs until SIGINT or SIGTERM; a second one does not wait for what is under way. 0, or the error that ended it: ERR_STATE
 * a node runs on this folder already. */
int node_run(const struct node_options *options, struct err *err);

#endif
