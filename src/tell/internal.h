/* Between the files of this module. */
#ifndef TONGZHOU_TELL_INTERNAL_H
#define TONGZHOU_TELL_INTERNAL_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "state/secret.h"
#include "tell/target.h"
#include "tell/tell.h"

/* What is sent, and what came of it. Everything that sending needs stands here: it has no store. */
struct tell_job {
    struct teller teller;
    struct target target;
    struct buf body;
    struct buf digest, input, signature; /* hook */
    struct buf ca;                       /* PEM; empty: what this machine trusts */
    struct mail_server server;           /* mail */
    char secret[SECRET_LINE_MAX + 1];    /* hook: the bearer's; mail: the password; "": none */
    int64_t last;                        /* notice that it reaches to */
    uint64_t count;

    _Atomic bool stop, ended;
    pthread_t thread;
    bool joined; /* of whoever started it */
    int rc;      /* once it has ended */
    struct err err;
    unsigned retry_after_s;
};

/* Notices that one does not have yet. */
struct tell_batch {
    struct store *store;
    const struct teller *teller;
    struct log_info self; /* this node's operator */
    int64_t now_ms, last;
    uint64_t count, more; /* more: not written any more, for there are too many */
    bool is_test;
    struct buf out; /* as the kind writes them */
};

/*
 * Append one notice (ours fails); all that sending needs, into the job; send it, within TELL_TOTAL_MS, sooner once `stop` is set.
 * The last two: ERR_MEMORY is ours, whatever else is told about this one.
 */
struct tell_way {
    int (*write)(struct tell_batch *batch, const struct notice *notice, struct err *err);
    int (*finish)(struct tell_batch *batch, struct tell_job *job, struct err *err);
    int (*send)(struct tell_job *job, struct err *err);
};
extern const struct tell_way tell_hook, tell_mail, tell_syslog;

/* ---- forms ---- */

/* One line of RFC 5424, at most SYSLOG_LINE_MAX bytes. */
#define SYSLOG_LINE_MAX 2048 /* bytes; what every receiver should take (section 6.1) */
struct syslog_line {
    const struct notice *notice;    /* NULL: a test */
    const char *host, *id, *record; /* record: ORIGIN/INDEX or "" */
    int64_t now_ms;
    long pid;
    bool full;
};
void syslog_write(const struct syslog_line *line, struct buf *out);

/* A whole e-mail, ready to be sent: lines end in CR LF, none is longer than 76 characters, all of it is ASCII. */
struct letter {
    const char *from, *to, *origin, *lang;
    int64_t now_ms, every_s;
    uint64_t count, more, missed;
    bool is_test;
    struct span lines; /* UTF-8, each ending in a newline */
};
void letter_write(const struct letter *letter, struct buf *out);

/* ---- connections ---- */

/* What all that libcurl connects for this module has in common; `stop` of the job ends it. */
void tell_dial(CURL *easy, struct tell_job *job, bool inside, char detail[CURL_ERROR_SIZE]);

/* curl's words, escaped. */
int tell_dial_failed(CURLcode code, const char *detail, struct err *err);

#endif
