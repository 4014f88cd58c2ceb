/* What most commands begin with: the store, the index brought up to date, a view for the operator. */
#ifndef TONGZHOU_CLI_SESSION_H
#define TONGZHOU_CLI_SESSION_H

#include "cli/command.h"
#include "index/view.h"

struct session {
    struct store *store;
    struct index *index; /* NULL unless asked for */
    struct view view;    /* the operator's, through the outlet asked for */
    struct arena arena;
};

#define SESSION_INDEX 1u   /* open the index and fold what is new */
#define SESSION_WRITE 2u   /* for writing */
#define SESSION_SIGN 4u    /* and the start check, before anything is signed; --alone overrides */
#define SESSION_CREATE 8u  /* make DIR */
#define SESSION_PUBLIC 16u /* the view is the public's: what leaves as files for others */
#define SESSION_HEAL 32u   /* alone, to mend what a disk has changed */
#define SESSION_ANY 64u    /* the folder need not be a node: then `store` is NULL and there is no view */

/* 0, or an exit status after having said why. Close in every case. */
int session_open(struct invocation *inv, struct session *session, unsigned flags, enum outlet outlet);
void session_close(struct session *session);

/* MEMBER/INDEX as people type it: full origin, short form or unique name, then the index. */
int session_record(struct invocation *inv, struct session *session, const char *text, struct log_info *ret_log,
                   uint64_t *ret_index);

/* The log that a writing command means: --as MEMBER, or the operator's. */
int session_author(struct invocation *inv, struct session *session, struct log_info *ret_log);

/* The node's local log; if it is not there yet it is made, or with `dry` called "local" under number 0. */
int session_local(struct invocation *inv, struct session *session, bool dry, struct log_info *ret_log);

/* Who sits here, as the system knows them. */
void session_who(char *out, size_t size);

/* Fold what is new; 0, or an exit status after having said why. */
int session_fold(struct invocation *inv, struct session *session);

/* The sweep set, brought up to date under the eyes of whoever sits at a terminal; 0, or a negative errcode. */
struct intel_set;
int session_set(struct session *session, struct intel_set **ret, struct err *err);

/* Contents were erased at somebody's word: the index forgets them, and the sweep set is made without them. */
int session_forget(struct invocation *inv, struct session *session);

/*
 * What follows reads files of others: from here on the process reads and writes DIR, reads these files, makes no connection and
 * starts no program, as far as the kernel offers that (sandbox/sandbox.h).
 */
int session_confine(struct invocation *inv, const char *const *files, size_t count);

/* ---- progress: a bar on a terminal for what takes longer than a second, silence in a pipe ---- */

struct progress {
    const char *what;
    uint64_t total;         /* 0: unknown */
    const char *one, *many; /* what is counted: "entry", "entries"; NULL: bytes */
    int64_t begun_ms, shown_ms;
    bool terminal, shown;
};
void progress_begin(struct progress *progress, const char *what, uint64_t total);
void progress_at(struct progress *progress, uint64_t done, uint64_t records);
void progress_end(struct progress *progress);

/* For those who report how much is done of how much: `ctx` is the struct progress. */
void progress_part(void *ctx, uint64_t done, uint64_t total);

#endif
