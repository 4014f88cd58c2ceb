/*
 * One running node a folder: DIR/serving is locked as long as it runs, by the kernel, so that no crash leaves it behind.
 * Other commands work beside it; two servers would pull, cosign and fetch feeds twice.
 */
#ifndef TONGZHOU_NODE_SERVING_H
#define TONGZHOU_NODE_SERVING_H

#include "base/err.h"
#include "base/span.h"

/* *ret_fd is to be closed at the end. ERR_STATE: a node runs on this folder already. */
int serving_begin(const char *dir, int *ret_fd, struct err *err);

/* A line about the running node, for serving_note(). */
#define SERVING_NOTE_MAX 256
int serving_say(int fd, const char *note, struct err *err);

/* Does a node run on this folder? */
bool serving_is(const char *dir);

/* What it said last; "" if it said nothing. For people only, as the process's number is. */
void serving_note(const char *dir, char out[SERVING_NOTE_MAX]);

#endif
