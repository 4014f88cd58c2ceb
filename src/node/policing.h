/* The running node and its policy.conf: noticed when it changes, put into force as a whole or not at all. */
#ifndef TONGZHOU_NODE_POLICING_H
#define TONGZHOU_NODE_POLICING_H

#include "state/store.h"

/* What the file was when it was looked at last. */
struct policing {
    bool looked;
    int64_t size, changed_ns, inode; /* -1, 0, 0: no file */
};

struct policing_news {
    bool changed;    /* another version is in force, and what waits and what was refused was judged by it */
    char text[1024]; /* a line about it, or about what is wrong with the file; "" nothing new */
};

/*
 * Look at the file if it is another than the last time, or if told to (SIGHUP). What is wrong with it is news and no error:
 * the version in force stays.
 */
int policing_look(struct policing *policing, struct store *store, bool told, int64_t now_ms, struct policing_news *ret,
                  struct err *err);

#endif
