/* A node in a fresh folder, a server on it, and a client of bare sockets that says exactly what a test wants said. */
#ifndef TESTS_HTTP_NODE_H
#define TESTS_HTTP_NODE_H

#include "base/buf.h"
#include "http/server.h"

struct node {
    char dir[64];
    struct store *store;
    struct http_server *server;
    int port;
};

void node_start(struct node *node, unsigned connections);
void node_stop(struct node *node);

/* Commit something, so that the store's seq passes. */
void node_change(struct node *node);

int client_connect(const struct node *node);
void client_send(int fd, const char *text);

/* An answer: status, headers as text, body. */
struct answer {
    int status;
    struct buf bytes;
    struct span head, body;
};

/* Read one answer until the connection is closed or its content is complete. HEAD answers have no content. */
void answer_read(int fd, bool is_head, struct answer *ret);
void answer_done(struct answer *answer);

/* A header's value, or an empty span. */
struct span answer_header(const struct answer *answer, const char *name);

/* One request on a connection of its own: "GET /x HTTP/1.1\r\nHost: ..." is put together from method, target, headers
 * ("Name: value\r\n..." or ""), and a body or NULL. */
void ask(const struct node *node, const char *method, const char *target, const char *headers, const char *body,
         struct answer *ret);

#endif
