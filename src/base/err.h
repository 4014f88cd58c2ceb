/* Errors: a code for the program, one sentence for the person. */
#ifndef TONGZHOU_BASE_ERR_H
#define TONGZHOU_BASE_ERR_H

enum errcode {
    ERR_OK = 0,
    ERR_USAGE = -1,    /* the caller asked for something that makes no sense: words of a command, two options at odds */
    ERR_LIMIT = -2,    /* a length, count, rate or depth above its maximum */
    ERR_SYNTAX = -3,   /* bytes do not have the format that they should */
    ERR_VERIFY = -4,   /* a signature, hash or proof does not hold */
    ERR_NOTFOUND = -5, /* what was named is not here */
    ERR_EXISTS = -6,   /* what was to be made is here already */
    ERR_REFUSED = -7,  /* a marking, a policy or a peer says no */
    ERR_FORK = -8,     /* two signed truths about one log */
    ERR_STATE = -9,    /* not now: frozen, suspended, start check not passed, wrong mode */
    ERR_IO = -10,      /* disk or database; for the writer this is fatal */
    ERR_MEMORY = -11,  /* no memory */
    ERR_NET = -12,     /* a peer could not be reached, stalled, or spoke no HTTP */
};

#define ERR_TEXT_MAX 1024 /* bytes with the final NUL; longer texts are cut at a character */

/*
 * Every function that can fail takes `struct err *` last, returns 0 or a negative errcode, and leaves it
 * untouched on success. Never NULL. The place that detects an error says what, where, found and allowed;
 * each caller on the way up puts its own context in front with err_in().
 */
struct err {
    int code;
    char text[ERR_TEXT_MAX];
};

/* Set code and text; returns code, so that `return err_set(...)` reads well. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Set ERR_IO (ERR_MEMORY for ENOMEM, ERR_NOTFOUND for ENOENT) with ": " and the text of errno behind. */
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "CONTEXT: " in front of the text; returns the code that was set before. */
int err_in(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ERR_MEMORY, "out of memory"; returns the code. */
int err_memory(struct err *err);

#endif
