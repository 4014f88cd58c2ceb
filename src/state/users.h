/*
 * People who sign in on this node: users, their sessions, their tokens for programs, and the trail of what happened. Rows of
 * state.db. Passwords, sessions and tokens stand there as hashes only. The secret of one-time codes cannot: the node has to
 * compute the same codes, so it is as good as the file's mode (0600), and a backup holds it, too.
 *
 * Each function is a transaction of its own, or part of one that is open.
 */
#ifndef TONGZHOU_STATE_USERS_H
#define TONGZHOU_STATE_USERS_H

#include "base/limits.h"
#include "state/role.h"
#include "state/store.h"

struct user {
    int64_t number, made_ms;
    char name[USER_NAME_MAX + 1];
    char member[ORIGIN_MAX + 1]; /* whose person it is; the operator's unless user_set_member says otherwise */
    bool is_guest;               /* it is a hosted member's: it sees and says what that member may (state/role.h) */
    enum role role;
    bool has_totp, locked;
};

/* 1..64 of a-z, 0-9 and . _ - @, beginning with a letter or digit: names that cannot be mistaken for others. */
bool user_name_valid(struct span name);

/* Errors: ERR_SYNTAX the name; ERR_EXISTS; ERR_LIMIT USERS_MAX, or the password's length; ERR_IO. */
int user_add(struct store *store, struct span name, enum role role, struct span password, int64_t now_ms,
             struct user *ret, struct err *err);
int user_find(struct store *store, struct span name, struct user *ret, struct err *err); /* ERR_NOTFOUND */
int user_each(struct store *store, int (*each)(void *ctx, const struct user *user, struct err *err), void *ctx,
              struct err *err);

/* With sessions and tokens; the trail keeps the name. */
int user_remove(struct store *store, int64_t number, struct err *err);
int user_set_role(struct store *store, int64_t number, enum role role, struct err *err);
/* Whose person it is: a member that lives here. ERR_NOTFOUND, ERR_REFUSED for others. Ends its sessions. */
int user_set_member(struct store *store, int64_t number, struct span member, struct err *err);
/* These end the user's sessions; locking revokes no tokens, but none is good while its user is locked. */
int user_set_password(struct store *store, int64_t number, struct span password, struct err *err);
int user_set_locked(struct store *store, int64_t number, bool locked, struct err *err);
/* .len 0: one-time codes are not asked for any more. */
int user_set_totp(struct store *store, int64_t number, struct span secret, struct err *err);

/* A secret that comes into force when its user has shown a code of it: nobody is asked for codes of a lost QR code. */
int user_offer_totp(struct store *store, int64_t number, struct span secret, struct err *err);
/* *ret: it has; sessions but the one of `session` end. */
int user_take_totp(struct store *store, int64_t number, struct span code, struct span session, int64_t now_ms,
                   bool *ret, struct err *err);

enum user_verdict {
    USER_GOOD,
    USER_UNKNOWN,
    USER_LOCKED,
    USER_PASSWORD, /* wrong */
    USER_CODE,     /* wrong, missing, or used before */
};

/*
 * Who is it? Costs one Argon2id pass whatever is found, so the time does not tell; whoever asks is told no more than
 * USER_GOOD or not. A code that was accepted is not accepted again.
 */
int user_verify(struct store *store, struct span name, struct span password, struct span code, int64_t now_ms,
                enum user_verdict *ret, struct user *ret_user, struct err *err);
const char *user_verdict_word(enum user_verdict verdict); /* for the trail */

/* ---- who they are elsewhere: at an OpenID Connect provider ---- */

#define IDENTITY_ISSUER_MAX 256  /* bytes */
#define IDENTITY_SUBJECT_MAX 255 /* OpenID Connect Core 1.0 section 2, `sub` */
#define IDENTITIES_MAX 8         /* of one user */

/* ERR_SYNTAX lengths or control characters; ERR_EXISTS it is somebody's already; ERR_LIMIT. */
int identity_bind(struct store *store, int64_t user, struct span issuer, struct span subject, struct err *err);
/* ERR_NOTFOUND: nobody here, or locked. */
int identity_find(struct store *store, struct span issuer, struct span subject, struct user *ret, struct err *err);
int identity_unbind(struct store *store, int64_t user, unsigned *ret_count, struct err *err); /* all of a user's */
int identity_each(struct store *store, int64_t user,
                  int (*each)(void *ctx, const char *issuer, const char *subject, struct err *err), void *ctx,
                  struct err *err);

/* ---- sessions ---- */

#define SESSION_TEXT 52 /* characters of a session's token: 32 random bytes in base32 */
#define ADDRESS_MAX 64  /* bytes with the end: an IP address as text */

struct session_info {
    uint8_t hash[32];
    char address[ADDRESS_MAX]; /* from where it was begun */
    int64_t made_ms, seen_ms, expires_ms;
};

/* Ends what has expired, and the oldest of a user who has SESSIONS_MAX. */
int session_begin(struct store *store, int64_t user, const char *address, int64_t now_ms,
                  char ret_token[SESSION_TEXT + 1], struct err *err);
/*
 * Whose is it, unless it has expired, was ended, or its user is locked: ERR_NOTFOUND. *ret_due: it was last seen so long ago
 * that session_touch should say it anew.
 */
int session_find(struct store *store, struct span token, int64_t now_ms, struct user *ret, bool *ret_due,
                 struct err *err);
int session_touch(struct store *store, struct span token, int64_t now_ms, struct err *err);
int session_end(struct store *store, struct span token, struct err *err); /* 0 also if there is none */
int session_end_others(struct store *store, int64_t user, struct span token, struct err *err); /* .len 0: all */
int session_each(struct store *store, int64_t user, int64_t now_ms,
                 int (*each)(void *ctx, const struct session_info *session, struct err *err), void *ctx,
                 struct err *err);
void session_hash(struct span token, uint8_t ret[32]);

/* ---- tokens for programs ---- */

#define TOKEN_PREFIX "tz_"
#define TOKEN_TEXT (sizeof(TOKEN_PREFIX) - 1 + SESSION_TEXT)

struct token_info {
    char name[TOKEN_NAME_MAX + 1], user[USER_NAME_MAX + 1];
    unsigned scopes;
    int64_t made_ms, expires_ms, used_ms; /* used_ms 0: never */
};

/* ERR_SYNTAX the name; ERR_EXISTS; ERR_LIMIT TOKENS_MAX, or it would live too long; ERR_REFUSED a scope beyond the role. */
int token_add(struct store *store, const struct user *user, struct span name, unsigned scopes, int64_t expires_ms,
              int64_t now_ms, char ret_token[TOKEN_TEXT + 1], struct err *err);
/* Whose and what for; ERR_NOTFOUND unknown, revoked, expired, or its user is locked. */
int token_find(struct store *store, struct span token, int64_t now_ms, struct user *ret, unsigned *ret_scopes,
               bool *ret_due, struct err *err);
int token_touch(struct store *store, struct span token, int64_t now_ms, struct err *err);
int token_remove(struct store *store, int64_t user, struct span name, struct err *err); /* ERR_NOTFOUND */
/* `user` 0: all users'. */
int token_each(struct store *store, int64_t user,
               int (*each)(void *ctx, const struct token_info *token, struct err *err), void *ctx, struct err *err);

/* ---- the trail ---- */

struct audit_entry {
    int64_t time_ms;
    const char *who, *address, *what, *result; /* valid for the call; escaped nowhere */
};

/* The oldest go beyond AUDIT_MAX, and of sign-ins that failed beyond AUDIT_FAILED_MAX. */
int audit_add(struct store *store, const struct audit_entry *entry, struct err *err);
/* Oldest first. */
int audit_each(struct store *store, int64_t since_ms,
               int (*each)(void *ctx, const struct audit_entry *entry, struct err *err), void *ctx, struct err *err);

#define AUDIT_SIGN_IN "sign-in"
#define AUDIT_DONE "done"

/* Has this user signed in from this address before? Then strangers' attempts under the name do not slow it down. */
int audit_knows(struct store *store, struct span who, const char *address, bool *ret, struct err *err);

#endif
