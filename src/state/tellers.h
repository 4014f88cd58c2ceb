/*
 * Who is told outside of this node what the inbox tells (state/notices.h): hooks, mail addresses, system logs. Rows of
 * state.db. Each has a place in the notices and moves it on only when the other end has taken what came before: what waits is
 * the notices themselves, on the disk, bounded as they are, and a process that is killed sends something twice rather than
 * not at all. What had to go unsent is counted.
 *
 * By default only topic, what happened, whom and which record it is about leave the node; `full` adds the sentence. A notice
 * for a larger role than the teller's never leaves by it.
 */
#ifndef TONGZHOU_STATE_TELLERS_H
#define TONGZHOU_STATE_TELLERS_H

#include "base/limits.h"
#include "state/notices.h"
#include "state/peers.h"

#define TELLERS_MAX 32
#define TELLER_BACKOFF_MS INT64_C(10000) /* after a failure, doubled each time */
#define TELLER_BACKOFF_MAX_MS INT64_C(3600000)
#define TELLER_FAILS 5       /* failures in a row that people are told of: after some five minutes */
#define TELLER_CA_MAX 65536  /* bytes of certificates */
#define TELLER_SHOWN_MAX 320 /* bytes of a scheme, a host of 255 characters and a port */
#define TELLER_ID 32         /* characters of a notice's id */

enum teller_kind { TELLER_HOOK, TELLER_MAIL, TELLER_SYSLOG, TELLER_KINDS };

struct teller {
    int64_t number;
    enum teller_kind kind;
    char target[PEER_URL_MAX + 1]; /* as tell/target.h has it */
    enum role role;                /* the largest whose notices it gets; ROLE_NONE: its user's, as it is then */
    unsigned topics;               /* bits; 0: all */
    char user[USER_NAME_MAX + 1];  /* mail: told what this user has not read; "": all */
    char lang[16];                 /* mail: of http_languages */
    bool full;
    bool inside;       /* may be an address that is not of the public Internet */
    int64_t every_s;   /* mail: collected for so long; 0: at once */
    int64_t last;      /* the newest notice that the other end has */
    int64_t due_ms;    /* not before */
    int64_t done_ms;   /* when it took something last; 0: never */
    unsigned failures; /* in a row */
    char reason[PEER_REASON_MAX + 1];
    uint64_t sent, missed; /* notices */
    uint8_t key[16];       /* of the ids that it is told */
};

const char *teller_kind_word(enum teller_kind kind); /* "hook", "mail", "syslog" */

/* For all who may see that there is one: a web address without path and query, where secrets use to stand. */
void teller_shown(const struct teller *teller, char out[TELLER_SHOWN_MAX]);

/*
 * Begins with what comes from now on. `ca`: certificates in PEM that are trusted instead of this machine's; .len 0: none.
 * ERR_EXISTS; ERR_LIMIT TELLERS_MAX.
 */
int teller_add(struct store *store, const struct teller *teller, struct span ca, int64_t *ret_number, struct err *err);
int teller_remove(struct store *store, int64_t number, struct err *err);                     /* ERR_NOTFOUND */
int teller_find(struct store *store, struct span text, struct teller *ret, struct err *err); /* by target or number */
int teller_each(struct store *store, int (*each)(void *ctx, const struct teller *teller, struct err *err), void *ctx,
                struct err *err);
int teller_ca(struct store *store, int64_t number, struct buf *out, struct err *err);

/* What it is to be told yet. 0: nothing, for its user may not sign in any more; 1. */
int teller_query(struct store *store, const struct teller *teller, struct notice_query *ret, struct err *err);
int teller_waiting(struct store *store, const struct teller *teller, uint64_t *ret, struct err *err);

/* What a receiver knows a notice by: the same whenever it is sent to it, and like no other's. */
int teller_id(struct store *store, const struct teller *teller, int64_t notice, char out[TELLER_ID + 1],
              struct err *err);

/* It has all up to `last`, `sent` of them now. Asked again at due_ms. */
struct teller_taken {
    int64_t number, last, now_ms, due_ms;
    uint64_t sent;
};
int teller_done(struct store *store, const struct teller_taken *taken, struct err *err);

/* It has not, and why. At least `wait_ms` until it is asked again. People are told of TELLER_FAILS in a row. */
int teller_failed(struct store *store, int64_t number, const char *reason, int64_t now_ms, int64_t wait_ms,
                  struct err *err);

/* Asked again at due_ms, whatever was. */
int teller_wait(struct store *store, int64_t number, int64_t due_ms, struct err *err);

/* A notice goes that nobody may have got: state/notices.c. */
int tellers_miss(struct store *store, int64_t notice, struct err *err);

/* ---- by which server mail leaves ---- */

#define MAIL_PASSWORD "mail-password" /* a credential, or a file in DIR/keys (state/secret.h) */

struct mail_server {
    char url[TELLER_SHOWN_MAX]; /* smtp://HOST[:PORT], smtps://HOST[:PORT] */
    char from[256], user[256];  /* user "": without signing in */
    bool plain;                 /* without TLS if the server has none */
    bool inside;
};
int mail_server_set(struct store *store, const struct mail_server *server, struct span ca, struct err *err);
int mail_server_get(struct store *store, struct mail_server *ret, struct buf *ca, struct err *err); /* ERR_NOTFOUND */

#endif
