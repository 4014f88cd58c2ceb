/*
 * Members whose clocks are ahead of ours. What such a one signs could be taken again by a process that begins before its
 * time has come, which remembers nothing. So before one is answered it is written down up to when requests of this member
 * may have been taken, some seconds more at a time; the next process takes none from before.
 */
#ifndef TONGZHOU_HTTP_AHEAD_H
#define TONGZHOU_HTTP_AHEAD_H

#include "base/err.h"
#include "base/span.h"

#define AHEAD_MAX 64 /* members at a time whose clocks are ahead; of more none is answered until its time has come */

struct ahead;

/* DIR/signed, a line a member; one that cannot be read counts for nobody. */
int ahead_open(const char *dir, int64_t now_s, struct ahead **ret, struct err *err);
void ahead_close(struct ahead *ahead);

/* Up to when a process before this one may have taken requests of this member; 0: none from ahead. */
int64_t ahead_before(const struct ahead *ahead, struct span origin);

/* One is about to be taken. ERR_LIMIT too many others; ERR_IO. Not for two threads at a time. */
int ahead_note(struct ahead *ahead, struct span origin, int64_t created_s, int64_t now_s, struct err *err);

#endif
