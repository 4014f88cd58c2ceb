/*
 * What this process can do no more, whatever becomes of it: Landlock for files and ports, seccomp for system calls. For good,
 * and for all threads that begin afterwards; so it is entered when sockets listen and before a thread exists.
 *
 *   files    a folder for reading and writing, named files and folders for reading, what libraries read at run time
 *            (resolver, certificates, shared objects, time zones); nothing is executed, no device is controlled
 *   ports    (Landlock 4, Linux 6.7) none is bound; connections only to those allowed, or to any
 *   others   (Landlock 6, Linux 6.12) no signal and no abstract socket of a process outside
 *   calls    a list of those that we and our libraries need; all others do not exist (ENOSYS), so that a library does
 *            what it does on an older kernel. A few that nobody here ever needs, as exec and ptrace, end the process.
 *
 * The kernel offers what it offers; sandbox_describe() tells what there was. Built with a sanitizer there is none: those
 * run a process of their own and look at /proc.
 */
#ifndef TONGZHOU_SANDBOX_SANDBOX_H
#define TONGZHOU_SANDBOX_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define SANDBOX_PORTS_MAX 32
#define SANDBOX_TEXT_MAX 256

enum sandbox_want {
    SANDBOX_OFF,
    SANDBOX_TRY,     /* as much as the kernel offers */
    SANDBOX_REQUIRE, /* an error unless files, ports and calls are restricted */
};

struct sandbox_options {
    enum sandbox_want want;
    const char *dir;         /* to read and write below it */
    const char *const *read; /* files and folders to read, with what links lead to; missing ones do not matter */
    size_t read_count;
    bool network;          /* may connect; without it no socket is made */
    const uint16_t *ports; /* connect to these TCP ports only; with port_count 0 to any. DNS (53) is one of them */
    size_t port_count;
};

/* "off", "try", "require"; false: none of them, *ret untouched. */
bool sandbox_want_parse(const char *word, enum sandbox_want *ret);

/* $TONGZHOU_SANDBOX, or SANDBOX_TRY where it says none of the three. */
enum sandbox_want sandbox_want_default(void);

/* No image of this process's memory, which holds keys, in a file, and no debugger of the same user. For every command. */
void sandbox_no_dumps(void);

/* Once a process. ERR_STATE: required, and the kernel (or the build) does not offer all of it. */
int sandbox_enter(const struct sandbox_options *options, struct err *err);

struct sandbox_state {
    bool files, ports, others, calls;
    int landlock; /* the kernel's version of it; 0: none */
};

/* Of this process; all false before sandbox_enter(). */
const struct sandbox_state *sandbox_state(void);

/* "files, ports, signals, system calls (Landlock 7)", with what is missing and why; one line. */
void sandbox_describe(char out[SANDBOX_TEXT_MAX]);

#endif
