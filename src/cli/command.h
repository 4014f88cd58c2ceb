/*
 * The command line: one file a command, each a `struct command` listed in commands.c. Options are declared, so that
 * parsing, --help, the completion and the manual's check come from one place.
 *
 * Exit status: 0 done, 1 failed, 2 usage; `sweep` as grep: 0 hits, 1 none, 2 error.
 */
#ifndef TONGZHOU_CLI_COMMAND_H
#define TONGZHOU_CLI_COMMAND_H

#include <stdio.h>

#include "base/err.h"
#include "base/span.h"

#define EXIT_DONE 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2

enum often {
    AT_MOST_ONCE,
    ANY_NUMBER,
    ONCE, /* required, in the help; the command itself says what it is for when it is missing */
};

struct option {
    const char *name;  /* "tlp" for --tlp T; one letter for -o */
    const char *value; /* what stands behind it in help: "T"; NULL: a flag */
    const char *what;  /* one line */
    enum often often;
};

struct invocation;

struct command {
    const char *name;             /* "import", or two words: "peer add" */
    const char *arguments;        /* "FILE|-..." */
    const char *summary;          /* one line */
    const char *details;          /* for --help: what it does, examples; NULL or text ending in a newline */
    const struct option *options; /* .name NULL at the end; NULL: none */
    int min_args, max_args;       /* max -1: any number */
    int (*run)(struct invocation *inv);
};

struct invocation {
    const struct command *command;
    const char *dir; /* -C, $TONGZHOU_DIR, ~/.local/share/tongzhou */
    bool dir_given;  /* by -C: commands that we propose repeat it */
    const char **args;
    int arg_count;
    struct given {
        const struct option *option;
        const char *value; /* "" for flags */
    } * given;
    int given_count;
    struct err err;
};

extern const struct command *const commands[]; /* NULL at the end */

/* What the commands with one first word are about. */
struct family {
    const char *word, *summary;
};
extern const struct family families[]; /* .word NULL at the end */
const char *cli_family_summary(const char *word, size_t len);

/* What there is: a line a command, two and more a family. */
void cli_overview(FILE *out);

/*
 * The commands whose first word is this; false: there are none.
 *   out      NULL: only look
 *   said_by  what stands in front of the heading; NULL: no heading
 */
bool cli_family(const char *word, FILE *out, const char *said_by);

/* Value of an option (the first), or `fallback`; flags give "". */
const char *cli_option(const struct invocation *inv, const char *name, const char *fallback);
bool cli_flag(const struct invocation *inv, const char *name);

/* Parse options and arguments behind the command's words. 0, EXIT_USAGE (said), or -1: --help was printed. */
int cli_parse(struct invocation *inv, int argc, char **argv);
void cli_help(const struct command *command, FILE *out);

/* "tongzhou import: TEXT" on standard error; returns EXIT_FAILED. */
int cli_fail(const struct invocation *inv);

/* "tongzhou import: TEXT" and where the help is; returns EXIT_USAGE. */
int cli_usage(const struct invocation *inv, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Standard output could not take what was written to it; not if its reader has only seen enough (| head). */
bool cli_output_lost(void);

/* A remark on standard error, prefixed with the program's name. */
void cli_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Numbers and durations from options: false after having said what is wrong. */
bool cli_number(const struct invocation *inv, const char *name, uint64_t fallback, uint64_t max, uint64_t *ret);
bool cli_duration_s(const struct invocation *inv, const char *text, int64_t *ret_s); /* 30s, 5m, 1h, 2d */
bool cli_time_ms(const struct invocation *inv, const char *text,
                 int64_t *ret_ms); /* a date, an instant, or 2d = that long ago */

int64_t cli_now_ms(void);

/* A peer's text for the terminal: escaped, at most `max` bytes. */
void cli_put_text(FILE *out, struct span text, size_t max);
/* The same, without a maximum but filled with blanks to `width` characters: columns. */
void cli_put_column(FILE *out, struct span text, size_t width);
void cli_put_bytes(FILE *out, uint64_t bytes);                                      /* "1.3 MB" */
void cli_put_count(FILE *out, uint64_t count);                                      /* "1,632,476" */
void cli_put_counted(FILE *out, uint64_t count, const char *one, const char *many); /* "1 log", "2 logs" */

#endif
